import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { invalid } from '../../base/errors.ts';
import {
  acceptKey,
  closeCodes,
  createWebSocketReader,
  encodeClose,
  encodeFrame,
  opcodes,
  type WebSocketEvent,
} from '../../formats/websocket.ts';

/**
 * The head of the answer to a request for a WebSocket (RFC 6455, section 4.2).
 * @throws invalid for a request that asks for none, or for another version of the protocol.
 */
export function websocketHead({ headers }: IncomingMessage): string {
  const key = headers['sec-websocket-key'];
  if (headers.upgrade?.toLowerCase() !== 'websocket' || !/(^|,)\s*upgrade\s*(,|$)/i.test(headers.connection ?? ''))
    throw invalid('this request asks for no WebSocket (Connection: Upgrade, Upgrade: websocket)');
  if (headers['sec-websocket-version'] !== '13') throw invalid('WebSocket: only version 13 of the protocol is spoken');
  if (key === undefined || Buffer.from(key, 'base64').length !== 16)
    throw invalid('WebSocket: Sec-WebSocket-Key is not 16 bytes in base64');
  return `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptKey(key)}\r\n`;
}

/**
 * The bytes that go over a WebSocket, as a stream: what is written goes out in binary frames, what comes in any data
 * frames is read. Pings are answered. A close frame, or the end of the connection, ends both directions; `end` sends
 * one. A client that breaks the protocol is told so and cut off.
 */
export function websocketStream(socket: Socket): Duplex {
  const reader = createWebSocketReader();
  let closing = false;
  const close = (code: number): void => {
    if (closing || socket.destroyed) return;
    closing = true;
    socket.end(encodeClose(code));
  };
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => void socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      send(socket, [chunk], done);
    },
    writev(chunks, done) {
      send(
        socket,
        chunks.map(({ chunk }) => chunk as Buffer),
        done,
      );
    },
    final(done) {
      close(closeCodes.normal);
      done();
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  const handle = (event: WebSocketEvent): void => {
    if (event.kind === 'data' && !stream.push(event.data)) socket.pause();
    if (event.kind === 'ping') socket.write(encodeFrame(opcodes.pong, event.data));
    if (event.kind === 'close') close(event.code ?? closeCodes.normal);
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      if (!closing) for (const event of reader.push(chunk)) handle(event);
    } catch {
      close(closeCodes.protocolError);
    }
  });
  socket.once('close', () => stream.destroy());
  socket.once('end', () => socket.end());
  return stream;
}

/** One frame for all that waits. */
function send(socket: Socket, chunks: readonly Buffer[], done: () => void): void {
  if (socket.destroyed || socket.writableEnded) {
    done(); // nobody is there to read it
    return;
  }
  const room = socket.write(
    encodeFrame(opcodes.binary, chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)),
  );
  if (room) done();
  else whenWritable(socket, done);
}

function whenWritable(socket: Socket, done: () => void): void {
  const go = (): void => {
    socket.off('drain', go);
    socket.off('close', go);
    done();
  };
  socket.on('drain', go);
  socket.on('close', go);
}
