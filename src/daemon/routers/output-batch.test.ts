import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFrameDecoder } from '../../formats/raw-stream.ts';
import { createOutputBatch } from './output-batch.ts';

/** A batch, what it sent, and a promise of the next sending. */
function collect(framed: boolean) {
  const sent: Buffer[] = [];
  let next = Promise.withResolvers<void>();
  const batch = createOutputBatch(framed, (bytes, done) => {
    sent.push(Buffer.from(bytes));
    done();
    next.resolve();
    next = Promise.withResolvers();
  });
  return { batch, sent, next: () => next.promise };
}

describe('the output batch', () => {
  it('sends what comes after a pause without being told', async () => {
    const { batch, sent, next } = collect(false);
    batch.add('stdout', Buffer.from('a'));
    await next();
    batch.add('stderr', Buffer.from('b'));
    await next();
    assert.deepEqual(sent.map(String), ['a', 'b']);
  });

  it('puts pieces of one stream that follow each other into one frame, and keeps the order of streams', () => {
    const { batch, sent } = collect(true);
    for (const [stream, text] of [
      ['stdout', 'a'],
      ['stdout', 'b'],
      ['stderr', 'c'],
      ['stdout', 'd'],
    ] as const)
      batch.add(stream, Buffer.from(text));
    batch.flush();
    assert.deepEqual(sent.map(String), ['\x01\0\0\0\0\0\0\x02ab\x02\0\0\0\0\0\0\x01c\x01\0\0\0\0\0\0\x01d']);
  });

  it('brings every byte, in sendings of 128 KiB and frames of 32 KiB at most', () => {
    const { batch, sent } = collect(true);
    const data = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, index) => (index >> 8) + index));
    const shared = Buffer.alloc(8192); // as the monitor's packets: overwritten by the next
    for (let at = 0, size = 1; at < data.length; at += size, size = ((size * 7) % 8192) + 1) {
      const piece = data.subarray(at, at + size);
      piece.copy(shared);
      batch.add('stdout', shared.subarray(0, piece.length));
    }
    batch.flush();
    const got: Buffer[] = [];
    const decoder = createFrameDecoder((_, bytes) => got.push(Buffer.from(bytes)));
    for (const bytes of sent) decoder.push(bytes);
    decoder.end();
    assert.ok(Buffer.concat(got).equals(data));
    assert.ok(sent.every(({ length }) => length <= 131072));
    assert.ok(sent.length < 12);
    assert.ok(got.every(({ length }) => length <= 32768));
  });

  it('takes a piece that is larger than its buffer', () => {
    const { batch, sent } = collect(false);
    batch.add('stdout', Buffer.alloc(10, 'a'));
    batch.add('stdout', Buffer.alloc(200_000, 'b'));
    batch.flush();
    assert.deepEqual(
      sent.map(({ length }) => length),
      [10, 200_000],
    );
  });
});
