import { messageOf, TugError } from '../base/errors.ts';

/** What a failed connection to `url` means, as a sentence that names the registry. Kind `unavailable`. */
export function connectionError(error: unknown, url: URL): TugError {
  const errno = connectionErrno(error);
  const [code, sentence] = explain(errno, messageOf(error), url);
  return new TugError('unavailable', sentence, { code, cause: error, details: { registry: url.host, errno } });
}

function connectionErrno(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : '';
}

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

function explain(errno: string, message: string, { host, hostname }: URL): [code: string, sentence: string] {
  if (errno === 'ENOTFOUND') {
    return [
      'registry-unknown-host',
      `registry ${host}: lookup ${hostname}: no such host: check the name, or the engine's DNS`,
    ];
  }
  if (errno === 'EAI_AGAIN') {
    return ['connection-cut', `registry ${host}: lookup ${hostname}: the name servers do not answer`];
  }
  if (errno === 'ECONNREFUSED') {
    return [
      'registry-refused',
      `registry ${host}: connection refused: check the address, and that a registry runs there`,
    ];
  }
  if (errno === 'EHOSTUNREACH' || errno === 'ENETUNREACH') {
    return ['registry-unreachable', `registry ${host}: no route to host: check the engine's network`];
  }
  if (errno === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return ['registry-untrusted', `registry ${host}: its certificate is for another name: ${message}`];
  }
  if (untrusted.has(errno) || errno.startsWith('CERT_')) {
    return [
      'registry-untrusted',
      `registry ${host}: certificate signed by unknown authority or invalid (${message}): ` +
        `put its CA into the engine's certs.d/${host}/ca.crt, or list it in insecure-registries`,
    ];
  }
  if (/^ERR_SSL_.*_ALERT_(\w+_)?CERTIFICATE/.test(errno)) {
    return [
      'registry-wants-certificate',
      `registry ${host}: it refused the client certificate, or wants one and there is none (${message.trim()}): ` +
        `put client.cert and client.key into the engine's certs.d/${host}`,
    ];
  }
  if (errno === 'EPROTO' || errno.startsWith('ERR_SSL_')) {
    return [
      'registry-not-tls',
      `registry ${host}: server gave HTTP response to HTTPS client: ` +
        'if it is meant to speak plain HTTP, list it in insecure-registries',
    ];
  }
  return ['connection-cut', `registry ${host}: the connection was cut (${message})`];
}

/** What an operation was about, for the sentences of `answerError`. Names as users write them. */
export interface AnswerContext {
  /** `busybox`, `localhost:5000/app`. */
  readonly name: string;
  /** `busybox:latest`, for requests about a manifest. */
  readonly reference?: string;
  /** `busybox@sha256:...`, for requests about a blob. */
  readonly blob?: string;
  readonly registry: string;
  /** Reading, unless it says otherwise. */
  readonly action?: 'pull' | 'push';
}

interface RegistryErrorEntry {
  readonly code: string;
  readonly message: string;
}

/**
 * A registry's answer other than success, as a `TugError` in Docker's words. `body` is the start of the answer:
 * the distribution-spec's error JSON (spec.md, "Error Codes"), or anything.
 */
export function answerError(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
  context: AnswerContext,
): TugError {
  const entry = firstEntry(body);
  const said = entry ? describe(entry) : undefined;
  const details = { status, registry: context.registry, registryCode: entry?.code };
  if (status === 429) {
    const text = said ?? 'toomanyrequests: the registry limits the number of requests';
    return new TugError('unavailable', `${text} (registry ${context.registry}): wait, or log in`, {
      code: 'registry-busy',
      details: { ...details, retryAfter: retryAfterSeconds(headers['retry-after']) },
    });
  }
  if (status >= 500) {
    const text = `registry ${context.registry} answered with status ${status}${said ? `: ${said}` : ''}`;
    return new TugError('unavailable', text, { code: 'registry-failed', details });
  }
  const [kind, code, sentence] = refusal(status, entry, said, context);
  return new TugError(kind, sentence, { code, details });
}

function refusal(
  status: number,
  entry: RegistryErrorEntry | undefined,
  said: string | undefined,
  { name, reference, blob, registry, action }: AnswerContext,
): ['not-found' | 'unauthorized' | 'forbidden' | 'invalid' | 'unavailable', code: string, sentence: string] {
  const because = said ? `: ${said}` : '';
  if (entry?.code === 'DENIED' || (status === 403 && !entry)) {
    if (action === 'push') return ['forbidden', 'push-denied', pushDenied(name, said)];
    return ['not-found', 'pull-denied', pullDenied(name, said ?? 'denied: status 403')];
  }
  if (entry?.code === 'UNAUTHORIZED' || status === 401) {
    return ['unauthorized', 'unauthorized', said ?? 'unauthorized: authentication required'];
  }
  if (entry?.code === 'NAME_UNKNOWN')
    return ['not-found', 'repository-unknown', `repository ${name} not found${because}`];
  if (status === 404 && reference) {
    return [
      'not-found',
      'manifest-unknown',
      `manifest for ${reference} not found${because || ': manifest unknown: manifest unknown'}`,
    ];
  }
  if (entry?.code === 'DIGEST_INVALID' && action === 'push') {
    const sentence = `registry ${registry} got other bytes than those of ${blob ?? reference ?? name}${because}`;
    return ['invalid', 'digest-mismatch', sentence];
  }
  if (status === 404 && blob) return ['not-found', 'blob-unknown', `blob ${blob} not found in the registry${because}`];
  return [
    'unavailable',
    'registry-refusal',
    `registry ${registry} answered with status ${status} for ${reference ?? blob ?? name}${because}`,
  ];
}

/** Docker's sentence for a repository that is missing or closed to this user. */
export function pullDenied(name: string, cause: string): string {
  return `pull access denied for ${name}, repository does not exist or may require 'docker login': ${cause}`;
}

/** Docker's sentence for a repository that this user may not write to, and what to do. */
export function pushDenied(name: string, said = 'denied: requested access to the resource is denied'): string {
  return `${said}: log in as somebody who may push to ${name}`;
}

function firstEntry(body: string): RegistryErrorEntry | undefined {
  try {
    const parsed = JSON.parse(body) as { errors?: unknown };
    const first = Array.isArray(parsed.errors) ? (parsed.errors[0] as Partial<RegistryErrorEntry> | null) : undefined;
    if (typeof first?.code !== 'string') return undefined;
    const message = typeof first.message === 'string' ? first.message : '';
    return { code: first.code, message: plainText(message) };
  } catch {
    return undefined;
  }
}

/** `MANIFEST_UNKNOWN` and its message as `manifest unknown: ...`, the way Docker prints it. */
function describe({ code, message }: RegistryErrorEntry): string {
  const word = plainText(code).toLowerCase().replaceAll('_', ' ');
  return message === '' ? word : `${word}: ${message}`;
}

/** Remote text without control characters (they would reach a terminal) and not endless. */
function plainText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, 1000);
}

/** `Retry-After` in seconds, given as a number or a date (RFC 9110, 10.2.3). */
function retryAfterSeconds(header: string | string[] | undefined): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text);
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}
