import { apiVersion as newestVersion } from '../api/version.ts';
import { type ErrorKind, TugError } from '../base/errors.ts';
import { tugVersion } from '../base/version.ts';
import type { Connection } from './connection.ts';
import type { Endpoint } from './host.ts';
import { exchange, type HttpRequest, type HttpResponse } from './http.ts';
import { connectTo } from './transport.ts';

/** Values of a query: undefined, false and empty ones are left out; a list gives its key several times. */
export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, chunked; a tar archive unless `headers` say otherwise. */
  readonly stream?: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer {
  readonly connection: Connection;
  readonly response: HttpResponse;
}

/** A client of one engine. Connections are one per call; `close` ends whatever is still open. */
export interface Engine {
  readonly endpoint: Endpoint;
  /** The API version spoken: the newest until the engine has asked for an older one. */
  readonly version: string;
  /** Sends a call and returns the answer's head. @throws what `engineError` makes of a status of 400 and above. */
  call(method: string, path: string, options?: CallOptions): Promise<HttpResponse>;
  /** As `call`, and reads the answer as JSON. */
  json<T>(method: string, path: string, options?: CallOptions): Promise<T>;
  /** As `call`, and drops the answer's body. Returns the status. */
  send(method: string, path: string, options?: CallOptions): Promise<number>;
  /** As `call`, and takes the connection over. */
  hijack(method: string, path: string, options?: CallOptions): Promise<Connection>;
  close(): void;
}

/** What is told of a request that was answered. */
export interface Trace {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Milliseconds until the answer's head. */
  readonly took: number;
}

/**
 * @param extraHeaders sent with every request (`HttpHeaders` of the configuration).
 * @param trace hears of each request.
 */
export function createEngine(
  endpoint: Endpoint,
  extraHeaders: Readonly<Record<string, string>> = {},
  trace?: (told: Trace) => void,
): Engine {
  const connections = new Set<Connection>();
  let version = newestVersion;
  let agreed = false;

  const attempt = async (message: HttpRequest): Promise<Answer> => {
    const began = performance.now();
    const connection = await connectTo(endpoint);
    connections.add(connection);
    const response = await exchange(connection, message);
    const { method, path } = message;
    trace?.({ method, path, status: response.status, took: performance.now() - began });
    return { connection, response: { ...response, body: () => releasing(connection, response) } };
  };

  const request = async (method: string, path: string, options: CallOptions = {}, upgrade = false): Promise<Answer> => {
    // A body that is a stream can be sent once only, so the version has to be right before.
    if (options.stream && !agreed) await agree();
    const build = (): HttpRequest => {
      const body = options.stream ?? (options.json === undefined ? undefined : JSON.stringify(options.json));
      return {
        method,
        path: `/v${version}${path}${queryString(options.query)}`,
        headers: requestHeaders(extraHeaders, options, upgrade),
        ...(body === undefined ? {} : { body }),
      };
    };
    const answer = await attempt(build());
    if (answer.response.status < 400) return answer;
    const error = await engineError(answer.response);
    const supported = agreed ? undefined : versionOffered(error, version);
    if (supported === undefined) throw error;
    version = supported;
    agreed = true;
    const again = await attempt(build());
    if (again.response.status >= 400) throw await engineError(again.response);
    return again;
  };

  const agree = async (): Promise<void> => {
    const { connection, response } = await attempt({ method: 'HEAD', path: '/_ping' });
    connection.destroy();
    const theirs = response.headers.get('api-version');
    if (theirs !== undefined && compareVersions(theirs, version) < 0) version = theirs;
    agreed = true;
  };

  const readWhole = async (method: string, path: string, options?: CallOptions): Promise<[HttpResponse, Buffer]> => {
    const { response } = await request(method, path, options);
    return [response, await readAll(response)];
  };

  return {
    endpoint,
    get version() {
      return version;
    },
    call: async (method, path, options) => (await request(method, path, options)).response,
    json: async <T>(method: string, path: string, options?: CallOptions) => {
      const [, body] = await readWhole(method, path, options);
      return JSON.parse(body.toString()) as T;
    },
    send: async (method, path, options) => (await readWhole(method, path, options))[0].status,
    hijack: async (method, path, options) => (await request(method, path, options, true)).connection,
    close: () => {
      for (const connection of connections) connection.destroy();
    },
  };
}

/** The body, and the connection's end when it has been read or given up. */
async function* releasing(connection: Connection, response: HttpResponse): AsyncGenerator<Buffer, void> {
  try {
    yield* response.body();
  } finally {
    connection.destroy();
  }
}

function requestHeaders(extra: Readonly<Record<string, string>>, options: CallOptions, upgrade: boolean) {
  return {
    ...extra,
    'User-Agent': `tug/${tugVersion}`,
    ...(options.json === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(options.stream === undefined ? {} : { 'Content-Type': 'application/x-tar' }),
    ...(upgrade ? { Connection: 'Upgrade', Upgrade: 'tcp' } : {}),
    ...options.headers,
  };
}

function queryString(query: Query | undefined): string {
  if (!query) return '';
  const parts: string[] = [];
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === false || value === '') continue;
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value])
      parts.push(`${key}=${encodeURIComponent(one === true ? '1' : String(one))}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** The whole body of an answer. For answers that are known to be small. */
export async function readAll(response: HttpResponse): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response.body()) chunks.push(chunk);
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

const kinds: Readonly<Record<number, ErrorKind>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  501: 'unsupported',
  503: 'unavailable',
  507: 'exhausted',
};

/** The engine's refusal as an error with Docker's words in front. `details.engine` tells it from the client's own. */
async function engineError(response: HttpResponse): Promise<TugError> {
  const text = (await readAll(response)).toString();
  let message = text.trim();
  try {
    const parsed = JSON.parse(text) as { message?: unknown };
    if (typeof parsed.message === 'string') message = parsed.message;
  } catch {
    // not JSON: a proxy or another server answered, and its words are all there is
  }
  if (message === '') message = `the engine answered ${response.status} without a message`;
  return new TugError(kinds[response.status] ?? 'internal', `Error response from daemon: ${message}`, {
    details: { engine: true, status: response.status, message },
  });
}

/** The version that an engine offers when it finds the client's too new, or undefined when that is not its complaint. */
function versionOffered(error: TugError, version: string): string | undefined {
  if (error.details['status'] !== 400) return undefined;
  const match = /client version [\d.]+ is too new\. Maximum supported API version is (\d+\.\d+)/.exec(error.message);
  return match?.[1] !== undefined && match[1] !== version ? match[1] : undefined;
}

/** Negative when `left` is the older API version. */
export function compareVersions(left: string, right: string): number {
  const [leftMajor = 0, leftMinor = 0] = left.split('.').map(Number);
  const [rightMajor = 0, rightMinor = 0] = right.split('.').map(Number);
  return leftMajor - rightMajor || leftMinor - rightMinor;
}
