import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TugError } from '../base/errors.ts';
import { type Channel, type Channels, createChannels, readChannel } from './channels.ts';

const never = new AbortController().signal;

/** Two ends of a connection that carries `step` bytes at a time; `opened` gets what the far one is asked for. */
function connect(step: number, opened: (head: unknown, channel: Channel) => void): Channels {
  const ends: Channels[] = [];
  const send = (to: number) => {
    let turn = Promise.resolve();
    const feed = async (bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += step) await ends[to]?.feed(bytes.subarray(at, at + step));
    };
    return (bytes: Buffer) => {
      turn = turn.then(() => feed(bytes)); // one frame after another
      return turn;
    };
  };
  ends.push(createChannels(send(1)), createChannels(send(0), opened));
  return ends[0] ?? assert.fail();
}

async function whole(channel: Channel): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let part = await channel.read(); part; part = await channel.read()) parts.push(part);
  return Buffer.concat(parts);
}

describe('channels over one connection', () => {
  for (const step of [1, 8, 9, 10, 1000, 65536, 10_000_000])
    it(`carry bytes as they are when it brings ${step} at a time`, async () => {
      const content = Buffer.alloc(step < 1000 ? 3000 : 1_300_000, 'content of several frames, ');
      const heads: unknown[] = [];
      const near = connect(step, async (head, channel) => {
        heads.push(head);
        await channel.write(Buffer.concat([await whole(channel), Buffer.from('!')]));
        await channel.end();
      });
      const answers = ['a', 'b'].map(async (name) => {
        await using channel = near.open({ name }, never);
        await channel.write(content);
        await channel.write(Buffer.alloc(0));
        await channel.end();
        return await whole(channel);
      });
      for (const answer of await Promise.all(answers))
        assert.ok(answer.equals(Buffer.concat([content, Buffer.from('!')])));
      assert.deepEqual(heads, [{ name: 'a' }, { name: 'b' }]);
    });

  it('tell what the other side failed with, after what it wrote', async () => {
    const near = connect(5, async (_head, channel) => {
      await channel.write(Buffer.from('half'));
      await channel.fail(new Error('no such file'));
    });
    await using channel = near.open({}, never);
    const reader = readChannel(channel);
    assert.equal((await reader.take(4)).toString(), 'half');
    await assert.rejects(reader.some(1), /no such file/);
  });

  it('are given nothing of a channel that was left, and go on', async () => {
    const written = Promise.withResolvers<void>();
    const near = connect(1000, async (head, channel) => {
      if (head === 'left')
        await channel.write(Buffer.alloc(6_000_000)); // more than waits unread
      else await channel.write(Buffer.from('other'));
      await channel.end();
      if (head === 'left') written.resolve();
    });
    const left = near.open('left', never);
    await left.read();
    await left[Symbol.asyncDispose]();
    await written.promise;
    await using other = near.open('other', never);
    assert.equal((await whole(other)).toString(), 'other');
  });

  it('refuse what is no frame', async () => {
    const bad = (...bytes: number[]) => createChannels(async () => {}).feed(Buffer.from(bytes));
    const isBad = (error: unknown) => error instanceof TugError && error.code === 'bad-session';
    await assert.rejects(bad(9, 0, 0, 0, 1, 0, 0, 0, 0), isBad);
    await assert.rejects(bad(2, 0, 0, 0, 1, 0xff, 0, 0, 0), isBad);
    await assert.rejects(bad(1, 0, 0, 0, 1, 0, 0, 0, 2, 0x7b, 0x7d), isBad); // nobody may open anything here
  });
});
