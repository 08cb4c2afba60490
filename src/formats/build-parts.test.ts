import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatParts, type PartHead, readParts } from './build-parts.ts';

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* cut(body: AsyncIterable<Buffer>, size: number): AsyncGenerator<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of body) parts.push(part);
  const whole = Buffer.concat(parts);
  for (let at = 0; at < whole.length; at += size) yield whole.subarray(at, at + size);
}

const three = (): { head: PartHead; content: AsyncGenerator<Uint8Array> }[] => [
  { head: { kind: 'secret', id: 'one' }, content: pieces('se', 'cret') },
  { head: { kind: 'context', name: 'empty' }, content: pieces() },
  { head: { kind: 'context', name: '' }, content: pieces('files') },
];

describe('the parts of a build', () => {
  it('are read as they were written, however they are cut', async () => {
    for (const size of [1, 3, 7, 1000]) {
      const read: [unknown, string][] = [];
      for await (const { head, content } of readParts(cut(formatParts(three()), size))) {
        let text = '';
        for await (const piece of content) text += piece;
        read.push([head, text]);
      }
      assert.deepEqual(read, [
        [{ kind: 'secret', id: 'one' }, 'secret'],
        [{ kind: 'context', name: 'empty' }, ''],
        [{ kind: 'context', name: '' }, 'files'],
      ]);
    }
  });

  it('may be left unread', async () => {
    const heads: unknown[] = [];
    for await (const { head } of readParts(formatParts(three()))) heads.push(head);
    assert.equal(heads.length, 3);
  });

  it('are refused where they are malformed', async () => {
    for (const body of ['x', '\x01\0\0\0\x02{', '\x02\0\0\0\x01a', '\x01\0\0\0\x01{', '\x01\xff\xff\xff\xff']) {
      await assert.rejects(async () => {
        for await (const { content } of readParts([Buffer.from(body, 'latin1')] as never))
          for await (const _ of content);
      }, /malformed/);
    }
  });
});
