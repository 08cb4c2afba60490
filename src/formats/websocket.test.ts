import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  acceptKey,
  createWebSocketReader,
  encodeClose,
  encodeFrame,
  opcodes,
  type WebSocketEvent,
} from './websocket.ts';

const mask = Buffer.from([1, 2, 3, 250]);
const frame = (opcode: number, text: string): Buffer => encodeFrame(opcode, Buffer.from(text), mask);

/** The same frame as a piece of a message whose rest follows. */
function unfinished(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[0] = (copy[0] ?? 0) & 0x7f;
  return copy;
}

const textOf = (events: readonly WebSocketEvent[]): string =>
  events
    .map((event) =>
      event.kind === 'close'
        ? `<close ${event.code}>`
        : event.kind === 'data'
          ? event.data
          : `<${event.kind} ${event.data}>`,
    )
    .join('');

describe('WebSocket frames', () => {
  it('have the example of RFC 6455 as their key', () => {
    assert.equal(acceptKey('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  });

  it('come unmasked, in pieces of any size, and with control frames between the parts of a message', () => {
    const stream = Buffer.concat([
      frame(opcodes.text, 'hello '),
      unfinished(frame(opcodes.binary, 'in ')),
      frame(opcodes.ping, 'p'),
      unfinished(frame(opcodes.continuation, 'three ')),
      frame(opcodes.pong, ''),
      frame(opcodes.continuation, 'parts'),
      frame(opcodes.binary, ''),
      encodeFrame(opcodes.close, encodeClose(1000).subarray(2), mask),
    ]);
    for (const size of [1, 2, 3, 7, stream.length]) {
      const reader = createWebSocketReader();
      const events: WebSocketEvent[] = [];
      for (let at = 0; at < stream.length; at += size) events.push(...reader.push(stream.subarray(at, at + size)));
      const data = events.filter(({ kind }) => kind === 'data');
      const others = events.filter(({ kind }) => kind !== 'data');
      assert.deepEqual([textOf(data), textOf(others)], ['hello in three parts', '<ping p><pong ><close 1000>']);
    }
  });

  it('have lengths of three forms', () => {
    for (const length of [0, 125, 126, 65_535, 65_536, 200_000]) {
      const payload = randomBytes(length);
      const bytes = encodeFrame(opcodes.binary, payload, mask);
      const data = createWebSocketReader()
        .push(bytes)
        .flatMap((event) => (event.kind === 'data' ? [event.data] : []));
      assert.ok(Buffer.concat(data).equals(payload), `${length}`);
    }
  });

  it('are refused where the protocol forbids them', () => {
    const long = frame(opcodes.ping, 'x'.repeat(200));
    const reserved = frame(opcodes.text, 'x');
    reserved[0] = (reserved[0] ?? 0) | 0x40;
    for (const [bytes, words] of [
      [encodeFrame(opcodes.text, Buffer.from('x')), /not masked/],
      [long, /control frame/],
      [unfinished(frame(opcodes.ping, 'x')), /control frame/],
      [reserved, /reserved/],
      [frame(3, 'x'), /opcode 3/],
      [frame(opcodes.continuation, 'x'), /no message/],
      [Buffer.concat([unfinished(frame(opcodes.text, 'x')), frame(opcodes.text, 'y')]), /inside of another/],
      [frame(opcodes.close, 'x'), /half a code/],
      [Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), /too long/],
    ] as const) {
      assert.throws(() => createWebSocketReader().push(bytes), { kind: 'invalid', message: words });
    }
  });
});
