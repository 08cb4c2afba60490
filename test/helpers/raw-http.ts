import { once } from 'node:events';
import * as net from 'node:net';

/** What came back on a connection, `status` 0 when it was closed without an answer. */
export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

export interface RawOptions {
  /** End our side after the bytes, as a client that dies half-way does; else wait for the answer. */
  readonly hangUp?: boolean;
  /** Milliseconds to wait for an answer; beyond them the connection is cut. */
  readonly timeout?: number;
}

/**
 * Sends bytes as they are over a unix socket and reads one answer: for what no HTTP client would send.
 * A connection that the engine closes is an answer too. @throws when nothing happens in time.
 */
export async function sendRaw(
  socketPath: string,
  bytes: string | Buffer,
  options: RawOptions = {},
): Promise<RawAnswer> {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  const closed = once(socket, 'close');
  let text = '';
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    socket.destroy();
  }, options.timeout ?? 300_000);
  socket.on('error', () => {}); // EPIPE of an engine that has answered and closed: what came tells
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    if (isWhole(text)) socket.destroy();
  });
  socket.on('end', () => socket.end());
  socket.write(bytes);
  if (options.hangUp) socket.end();
  await closed;
  clearTimeout(timer);
  if (late) throw new Error(`no answer to ${JSON.stringify(String(bytes).slice(0, 80))}`);
  const [head = '', body = ''] = split(text);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0), head, body };
}

/** A whole request as bytes; the length of the body is added. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  return `${[`${line} HTTP/1.1`, 'Host: tug', ...headers, ...length].join('\r\n')}\r\n\r\n${body}`;
}

function split(text: string): [string, string] {
  const at = text.indexOf('\r\n\r\n');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 4)];
}

function isWhole(text: string): boolean {
  const [head, body] = split(text);
  if (!text.includes('\r\n\r\n')) return false;
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  if (status === 204 || status === 304) return true;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Buffer.byteLength(body, 'latin1') >= Number(length);
  return body.endsWith('0\r\n\r\n') && /\r\ntransfer-encoding: *chunked/i.test(head);
}
