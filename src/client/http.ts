import { TugError } from '../base/errors.ts';
import type { Connection } from './connection.ts';

/** A request to write. A body that is an iterable is sent chunked, as it comes. */
export interface HttpRequest {
  readonly method: string;
  /** Path with query, already escaped. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | AsyncIterable<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The body, decoded; ends where the response ends. To be iterated once. @throws unavailable when cut off. */
  body(): AsyncGenerator<Buffer, void>;
}

const maxHeadBytes = 256 * 1024;

/**
 * Sends one request over a fresh connection and reads the response's head (HTTP/1.1, RFC 9112). The connection stays
 * the caller's: to destroy, or to go on with after `101` or the raw 200 of older engines, when what it reads and
 * writes is the hijacked stream. A refusal that comes before the whole body was sent ends the sending; any other answer
 * is returned while the body is still being sent, and what goes wrong with that is thrown by whoever reads the answer.
 * @throws unavailable when the connection ends or fails before a complete head.
 */
export async function exchange(connection: Connection, request: HttpRequest): Promise<HttpResponse> {
  const { body } = request;
  const streamed = body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);
  const head = requestHead(request, streamed);
  if (!streamed) {
    await connection.write(typeof body === 'string' ? head + body : head);
    if (body instanceof Uint8Array && body.length > 0) await connection.write(body);
    return readResponse(connection, request.method);
  }
  await connection.write(head);
  const answer = readResponse(connection, request.method);
  let fault: { readonly error: unknown } | undefined;
  const sent = sendChunked(connection, body, answer).catch((error: unknown) => {
    fault = { error };
    connection.destroy(); // nobody is to take half a body for a whole one
  });
  try {
    const response = await answer;
    return { ...response, body: () => orFault(response.body(), sent, () => fault) };
  } catch (error) {
    await sent;
    throw fault ? (fault as { error: unknown }).error : error;
  }
}

/** The answer's body; why the request's could not be sent counts before what came of that. */
async function* orFault(
  body: AsyncGenerator<Buffer, void>,
  sent: Promise<void>,
  fault: () => { readonly error: unknown } | undefined,
): AsyncGenerator<Buffer, void> {
  try {
    yield* body;
  } catch (error) {
    await sent;
    throw fault() ? fault()?.error : error;
  }
}

function requestHead(request: HttpRequest, streamed: boolean): string {
  let head = `${request.method} ${request.path} HTTP/1.1\r\nHost: tug\r\n`;
  for (const [name, value] of Object.entries(request.headers ?? {})) head += `${name}: ${value}\r\n`;
  if (streamed) head += 'Transfer-Encoding: chunked\r\n';
  else if (request.body !== undefined) head += `Content-Length: ${Buffer.byteLength(request.body as string)}\r\n`;
  else if (request.method !== 'GET' && request.method !== 'HEAD') head += 'Content-Length: 0\r\n';
  return head + '\r\n';
}

/** Writes the body chunked, at the peer's pace, until it is through or refused. */
async function sendChunked(
  connection: Connection,
  body: AsyncIterable<Uint8Array>,
  answer: Promise<HttpResponse>,
): Promise<void> {
  let refused = false;
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const end = (): void => {
    refused = true;
    resolve();
  };
  // whoever awaits the answer hears of it
  answer.then(({ status }) => status >= 400 && end(), end);
  for await (const chunk of body) {
    if (refused) return;
    if (chunk.length === 0) continue;
    const framed = Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
    await Promise.race([connection.write(framed), done]);
  }
  if (!refused) await connection.write('0\r\n\r\n');
}

async function readResponse(connection: Connection, method: string): Promise<HttpResponse> {
  for (;;) {
    const lines = (await connection.readUntil('\r\n\r\n', maxHeadBytes)).toString('latin1').split('\r\n');
    const statusLine = /^HTTP\/1\.[01] (\d{3})/.exec(lines[0] ?? '');
    if (!statusLine) throw new TugError('unavailable', 'the engine answered with something that is not HTTP/1.1');
    const status = Number(statusLine[1]);
    if (status === 100) continue;
    const headers = new Map<string, string>();
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(':');
      if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return { status, headers, body: () => readBody(connection, status, headers, method) };
  }
}

async function* readBody(
  connection: Connection,
  status: number,
  headers: ReadonlyMap<string, string>,
  method: string,
): AsyncGenerator<Buffer, void> {
  if (method === 'HEAD' || status === 204 || status === 304 || status === 101) return;
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
    yield* readChunks(connection);
    return;
  }
  const length = headers.get('content-length');
  if (length === undefined) {
    for (let chunk = await connection.read(); chunk; chunk = await connection.read()) yield chunk;
    return;
  }
  yield* readExactly(connection, Number(length));
}

async function* readExactly(connection: Connection, length: number): AsyncGenerator<Buffer, void> {
  for (let left = length; left > 0; ) {
    const chunk = await connection.read(left);
    if (!chunk) throw cutOff();
    left -= chunk.length;
    yield chunk;
  }
}

async function* readChunks(connection: Connection): AsyncGenerator<Buffer, void> {
  for (;;) {
    const line = (await connection.readUntil('\r\n', 4096)).toString('latin1');
    const size = Number.parseInt(line, 16);
    if (!(size >= 0))
      throw new TugError('unavailable', `the engine sent a malformed chunk size ${JSON.stringify(line)}`);
    if (size === 0) break;
    yield* readExactly(connection, size);
    await connection.readUntil('\r\n', 2);
  }
  while ((await connection.readUntil('\r\n', maxHeadBytes)).length > 0);
}

function cutOff(): TugError {
  return new TugError('unavailable', 'the connection to the engine was cut off in the middle of an answer', {
    code: 'engine-cut-off',
  });
}
