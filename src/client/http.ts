import type { Socket } from 'node:net';
import { TugError } from '../base/errors.ts';
import { SocketReader } from './socket-reader.ts';

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
  /** Takes the connection over as a two-way stream, after `101` or the raw 200 of older engines. */
  hijack(): HijackedStream;
}

/** Both directions of a connection taken over from HTTP; each direction ends on its own. */
export interface HijackedStream {
  /** The next bytes from the engine, or undefined when it has ended its direction. @throws unavailable. */
  read(): Promise<Buffer | undefined>;
  /** Sends bytes; resolves when the peer has room for more. Bytes for a peer that has gone are dropped. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends this side's direction; reading goes on. */
  closeWrite(): void;
  destroy(): void;
}

const maxHeadBytes = 256 * 1024;

/**
 * Sends one request over a fresh connection and reads the response's head (HTTP/1.1, RFC 9112). The socket stays
 * the caller's to destroy. An answer that comes before the whole body was sent ends the sending.
 * @throws unavailable when the connection ends or fails before a complete head.
 */
export async function exchange(socket: Socket, request: HttpRequest): Promise<HttpResponse> {
  const reader = new SocketReader(socket);
  const streamed =
    request.body !== undefined && typeof request.body !== 'string' && !(request.body instanceof Uint8Array);
  socket.write(requestHead(request, streamed));
  if (!streamed) {
    if (request.body !== undefined && request.body.length > 0) socket.write(request.body as string | Uint8Array);
    return readResponse(reader, socket, request.method);
  }
  const answer = readResponse(reader, socket, request.method);
  const sent = sendChunked(socket, request.body as AsyncIterable<Uint8Array>, answer);
  const [response] = await Promise.all([answer, sent]);
  return response;
}

function requestHead(request: HttpRequest, streamed: boolean): string {
  let head = `${request.method} ${request.path} HTTP/1.1\r\nHost: tug\r\n`;
  for (const [name, value] of Object.entries(request.headers ?? {})) head += `${name}: ${value}\r\n`;
  if (streamed) head += 'Transfer-Encoding: chunked\r\n';
  else if (request.body !== undefined) head += `Content-Length: ${Buffer.byteLength(request.body as string)}\r\n`;
  else if (request.method !== 'GET' && request.method !== 'HEAD') head += 'Content-Length: 0\r\n';
  return head + '\r\n';
}

/** Writes the body chunked, waiting for the peer, until it is through or an answer is there already. */
async function sendChunked(socket: Socket, body: AsyncIterable<Uint8Array>, answer: Promise<unknown>): Promise<void> {
  let answered = false;
  const done = answer
    .catch(() => {}) // whoever awaits the answer hears of it
    .then(() => {
      answered = true;
    });
  for await (const chunk of body) {
    if (answered) return;
    if (chunk.length === 0) continue;
    socket.write(`${chunk.length.toString(16)}\r\n`);
    socket.write(chunk);
    if (!socket.write('\r\n')) await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), done]);
  }
  if (!answered) socket.write('0\r\n\r\n');
}

async function readResponse(reader: SocketReader, socket: Socket, method: string): Promise<HttpResponse> {
  for (;;) {
    const lines = (await reader.readUntil('\r\n\r\n', maxHeadBytes)).toString('latin1').split('\r\n');
    const statusLine = /^HTTP\/1\.[01] (\d{3})/.exec(lines[0] ?? '');
    if (!statusLine) throw new TugError('unavailable', 'the engine answered with something that is not HTTP/1.1');
    const status = Number(statusLine[1]);
    if (status === 100) continue;
    const headers = new Map<string, string>();
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(':');
      if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    return {
      status,
      headers,
      body: () => readBody(reader, status, headers, method),
      hijack: () => hijackedStream(reader, socket),
    };
  }
}

function hijackedStream(reader: SocketReader, socket: Socket): HijackedStream {
  return {
    read: () => reader.read(),
    write: async (bytes) => {
      if (socket.destroyed || !socket.writable || socket.write(bytes)) return;
      await new Promise<void>((resolve) => {
        const done = () => {
          socket.removeListener('drain', done);
          socket.removeListener('close', done);
          resolve();
        };
        socket.on('drain', done);
        socket.on('close', done);
      });
    },
    closeWrite: () => void (socket.destroyed || socket.end()),
    destroy: () => void socket.destroy(),
  };
}

async function* readBody(
  reader: SocketReader,
  status: number,
  headers: ReadonlyMap<string, string>,
  method: string,
): AsyncGenerator<Buffer, void> {
  if (method === 'HEAD' || status === 204 || status === 304 || status === 101) return;
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') {
    yield* readChunks(reader);
    return;
  }
  const length = headers.get('content-length');
  if (length === undefined) {
    for (let chunk = await reader.read(); chunk; chunk = await reader.read()) yield chunk;
    return;
  }
  yield* readExactly(reader, Number(length));
}

async function* readExactly(reader: SocketReader, length: number): AsyncGenerator<Buffer, void> {
  for (let left = length; left > 0; ) {
    const chunk = await reader.read(left);
    if (!chunk) throw cutOff();
    left -= chunk.length;
    yield chunk;
  }
}

async function* readChunks(reader: SocketReader): AsyncGenerator<Buffer, void> {
  for (;;) {
    const line = (await reader.readUntil('\r\n', 4096)).toString('latin1');
    const size = Number.parseInt(line, 16);
    if (!(size >= 0))
      throw new TugError('unavailable', `the engine sent a malformed chunk size ${JSON.stringify(line)}`);
    if (size === 0) break;
    yield* readExactly(reader, size);
    await reader.readUntil('\r\n', 2);
  }
  while ((await reader.readUntil('\r\n', maxHeadBytes)).length > 0);
}

function cutOff(): TugError {
  return new TugError('unavailable', 'the connection to the engine was cut off in the middle of an answer', {
    code: 'engine-cut-off',
  });
}
