import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * A connection taken out of HTTP. Both directions end on their own (`end` of the socket closes ours, its
 * `end` event says that the client closed theirs).
 */
export interface HijackedStream {
  readonly socket: Socket;
  /** True when the client asked for `Upgrade: tcp`; old clients get a raw 200 instead. */
  readonly upgraded: boolean;
  /** True once `accept` was called. */
  readonly accepted: boolean;
  /** Sends the head; what is written after it is the raw stream. */
  accept(contentType: string): void;
  /** Sends the head of another protocol instead: `headers` are whole lines. */
  switchTo(headers: string): void;
}

/** The stream of a request that came through the server's `upgrade` event. Bytes after the body come from the socket. */
export function upgradedStream(socket: Socket, head: Buffer): HijackedStream {
  socket.on('error', () => {}); // a client that leaves: `close` tells
  if (head.length > 0) socket.unshift(head);
  return streamOn(socket, true, 'HTTP/1.1 101 UPGRADED', 'Connection: Upgrade\r\nUpgrade: tcp\r\n');
}

/**
 * Takes the connection of an ordinary request away from its HTTP parser, for clients that do not ask for an
 * upgrade. The request's body must have been read. Nothing may have been answered.
 */
export function rawStream(
  request: IncomingMessage,
  response: ServerResponse,
  early: Buffer | undefined,
): HijackedStream {
  const socket = request.socket;
  response.detachSocket(socket);
  // A data listener makes Node move the socket's bytes out of the parser's own fast path and back into the
  // stream; after that the server's listeners can go. Pausing before it would stop the reads for good.
  const claim = (): void => {};
  socket.on('data', claim);
  for (const name of ['data', 'end', 'drain', 'error', 'timeout'] as const) socket.removeAllListeners(name);
  socket.on('error', () => {}); // a client that leaves: `close` tells
  socket.pause();
  if (early && early.length > 0) socket.unshift(early);
  return streamOn(socket, false, 'HTTP/1.1 200 OK', '');
}

function streamOn(socket: Socket, upgraded: boolean, statusLine: string, headers: string): HijackedStream {
  let accepted = false;
  return {
    socket,
    upgraded,
    get accepted() {
      return accepted;
    },
    accept(contentType) {
      accepted = true;
      socket.write(`${statusLine}\r\nContent-Type: ${contentType}\r\n${headers}\r\n`);
    },
    switchTo(lines) {
      accepted = true;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n`);
    },
  };
}

/** Answers a hijacked connection that was not accepted with an ordinary response, and closes it. */
export function answerOn(socket: Socket, status: number, headers: readonly string[], body: string): void {
  const { STATUS_CODES } = process.getBuiltinModule('node:http'); // see server.ts
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`;
  if (status >= 200 && status !== 204 && status !== 304) head += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  socket.end(`${head}Connection: close\r\n\r\n${body}`);
  socket.resume(); // what the client still sends is dropped, so that its end is seen
}
