import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { errnoOf, invalid, messageOf } from '../../../base/errors.ts';
import type { ContextMeta, ContextStore, ContextTls } from '../../../client/contexts.ts';
import { defaultHost } from '../../../client/host.ts';
import type { Flag, Session } from '../../command.ts';

/** `--docker` of `context create` and `context update`. */
export const endpointFlag: Flag = {
  long: 'docker',
  kind: 'list',
  value: 'stringToString',
  description: "The engine's address: host=..., ca=FILE, cert=FILE, key=FILE, skip-tls-verify=BOOL, or from=CONTEXT",
};

export interface ContextEndpoint {
  readonly endpoint: ContextMeta['Endpoints'][string];
  readonly tls: ContextTls[string];
}

const keys = ['from', 'host', 'ca', 'cert', 'key', 'skip-tls-verify'];

/** The endpoint that the option describes. @throws invalid in Docker's words. */
export function endpointOf(session: Session, store: ContextStore, texts: readonly string[]): ContextEndpoint {
  const given = new Map<string, string>();
  for (const part of texts.flatMap((text) => text.split(','))) {
    const equals = part.indexOf('=');
    if (equals < 0) throw invalid(`${part} must be formatted as key=value`);
    given.set(part.slice(0, equals), part.slice(equals + 1));
  }
  const unknown = [...given.keys()].filter((key) => !keys.includes(key));
  if (unknown.length > 0) throw failed(`unrecognized config key: ${unknown.join(', ')}`);
  const from = given.get('from');
  if (from !== undefined) return copyOf(session, store, from);
  return { endpoint: { Host: given.get('host') ?? '', SkipTLSVerify: flagOf(given) }, tls: checked(filesOf(given)) };
}

/** The engine that is meant where no context is: that of the environment, or tug's own. */
export const hostWithoutContext = (session: Session): string =>
  session.env['TUG_HOST'] || session.env['DOCKER_HOST'] || defaultHost;

/** Another context's endpoint; `default` is the engine that the environment means. */
export function copyOf(session: Session, store: ContextStore, name: string): ContextEndpoint {
  if (name === 'default') return { endpoint: { Host: hostWithoutContext(session), SkipTLSVerify: false }, tls: {} };
  const endpoint = store.read(name).Endpoints['docker'];
  if (!endpoint) throw failed(`context "${name}" does not have a Docker endpoint`);
  return { endpoint, tls: store.readTls(name)['docker'] ?? {} };
}

function flagOf(given: ReadonlyMap<string, string>): boolean {
  const text = given.get('skip-tls-verify') ?? 'false';
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw failed(`skip-tls-verify: ${JSON.stringify(text)} is neither true nor false`);
}

function filesOf(given: ReadonlyMap<string, string>): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const key of ['ca', 'cert', 'key']) {
    const file = given.get(key);
    if (file) files[`${key}.pem`] = readPem(file);
  }
  return files;
}

/** @throws invalid for what no connection could be made with. */
function checked(files: Record<string, Buffer>): Record<string, Buffer> {
  const { 'ca.pem': ca, 'cert.pem': cert, 'key.pem': key } = files;
  const refuse = (words: string) =>
    failed(`invalid docker endpoint options: failed to retrieve context tls info: ${words}`);
  if (ca && !certificateOf(ca)) throw refuse('ca.pem seems invalid');
  if (!cert && !key) return files;
  const certificate = cert && certificateOf(cert);
  if (!certificate || !key || !fits(certificate, key)) throw refuse('cert.pem and key.pem are no pair');
  return files;
}

function certificateOf(pem: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function fits(certificate: X509Certificate, key: Buffer): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const words = errnoOf(error) === 'ENOENT' ? `open ${file}: no such file or directory` : messageOf(error);
    throw failed(words, error);
  }
}

const failed = (words: string, cause?: unknown) =>
  invalid(`unable to create docker endpoint config: ${words}`, { cause });
