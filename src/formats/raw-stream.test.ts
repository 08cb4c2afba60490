import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFrameDecoder, encodeFrame, frameHeader } from './raw-stream.ts';

function collect(chunks: Iterable<Buffer>): string[] {
  const seen: string[] = [];
  const decoder = createFrameDecoder((stream, data) => {
    const last = seen.at(-1);
    if (last?.startsWith(`${stream}:`)) seen[seen.length - 1] = last + data.toString('latin1');
    else seen.push(`${stream}:${data.toString('latin1')}`);
  });
  for (const chunk of chunks) decoder.push(chunk);
  decoder.end();
  return seen;
}

test('a frame is a stream number and a big-endian length before the payload', () => {
  assert.deepEqual([...encodeFrame('stderr', Buffer.from('hi'))], [2, 0, 0, 0, 0, 0, 0, 2, 104, 105]);
  assert.deepEqual([...frameHeader('stdout', 0x01020304)], [1, 0, 0, 0, 1, 2, 3, 4]);
});

test('a stream is decoded wherever it is cut', () => {
  const whole = Buffer.concat([
    encodeFrame('stdout', Buffer.from('one')),
    encodeFrame('stderr', Buffer.alloc(0)),
    encodeFrame('stderr', Buffer.from('two')),
    encodeFrame('systemerr', Buffer.from('three')),
  ]);
  const want = ['stdout:one', 'stderr:two', 'systemerr:three'];
  for (let size = 1; size <= whole.length; size += 1) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
    assert.deepEqual(collect(chunks), want);
  }
});

test('something else than a multiplexed stream is refused', () => {
  assert.throws(() => collect([Buffer.from('plain text')]), { kind: 'invalid', message: /Unrecognized input header/ });
});

test('an end inside a frame is an error', () => {
  const frame = encodeFrame('stdout', Buffer.from('cut'));
  assert.throws(() => collect([frame.subarray(0, 5)]), { kind: 'invalid' });
  assert.throws(() => collect([frame.subarray(0, 10)]), { kind: 'invalid' });
});
