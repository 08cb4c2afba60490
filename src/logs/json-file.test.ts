import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { collectAll } from '../base/buffer-garbage.ts';
import { batchOf, recordsOf } from './batch.ts';
import type { LogRecord } from './contract.ts';
import { createJsonFileSink } from './json-file.ts';
import { parseJsonLog } from './json-parse.ts';
import { defaultLimits } from './limits.ts';

const limits = { ...defaultLimits, compress: false };
const record = (data: string | Buffer, more: Partial<LogRecord> = {}): LogRecord => ({
  time: 1_700_000_000_500_000_000n,
  stream: 'stdout',
  data: Buffer.from(data),
  partial: !data.toString().endsWith('\n'),
  ...more,
});
const complain = (error: unknown): never => {
  throw error;
};

describe('a json-file', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-json-'));
    file = path.join(folder, 'c-json.log');
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const open = async (attributes = {}) => {
    const sink = createJsonFileSink(file, limits, attributes, complain);
    return { sink, from: await sink.resume() };
  };
  const at = (offset: number) => ({ number: 1, offset });

  it('has the form of Docker', async () => {
    const { sink } = await open({ tag: 'web' });
    await sink.write(batchOf([record('a "b" <c>\\\n'), record('\u00e9\u2028\n', { stream: 'stderr' })]), at(1));
    await sink.pause(at(1), true);
    await sink.close();
    assert.equal(
      fs.readFileSync(file, 'utf8'),
      '{"log":"a \\"b\\" \\u003cc\\u003e\\\\\\n","stream":"stdout","attrs":{"tag":"web"},"time":"2023-11-14T22:13:20.5Z"}\n' +
        '{"log":"\u00e9\\u2028\\n","stream":"stderr","attrs":{"tag":"web"},"time":"2023-11-14T22:13:20.5Z"}\n',
    );
    const read = recordsOf(parseJsonLog(fs.readFileSync(file)));
    assert.deepEqual(
      read.map(({ data, time, stream }) => [data.toString(), time, stream]),
      [
        ['a "b" <c>\\\n', 1_700_000_000_500_000_000n, 'stdout'],
        ['\u00e9\u2028\n', 1_700_000_000_500_000_000n, 'stderr'],
      ],
    );
  });

  it('has whole lines, and cuts them at 16 KiB', async () => {
    const { sink } = await open();
    const long = 'x'.repeat(40_000);
    const pieces = [record('be'), record('gin\n'), record(long.slice(0, 30_000)), record(`${long.slice(30_000)}\n`)];
    await sink.write(batchOf(pieces), at(1));
    await sink.write(batchOf([record('end')]), at(2));
    await sink.pause(at(2), false);
    const texts = () => recordsOf(parseJsonLog(fs.readFileSync(file))).map(({ data }) => data.toString());
    assert.deepEqual(
      texts().map(({ length }) => length),
      [6, 16384, 16384, 40_001 - 2 * 16384],
    );
    await sink.pause(at(2), true);
    assert.equal(texts().at(-1), 'end');
    assert.equal(texts().join(''), `begin\n${long}\nend`);
    await sink.close();
  });

  it('goes on after a crash with the line after the last whole one', async () => {
    const batch = () => batchOf(['1\n', '2', '\n', '3\n', '4\n'].map((text) => record(text)));
    const first = await open();
    await first.sink.write(batch(), at(10));
    await first.sink.close(); // without having noted how far it came
    const whole = fs.readFileSync(file);
    for (let length = 0; length <= whole.length; length += 7) {
      fs.writeFileSync(file, whole.subarray(0, length));
      const { sink, from } = await open();
      assert.deepEqual(from, { number: 0, offset: 0 });
      await sink.write(batch(), at(10));
      await sink.pause(at(10), true);
      await sink.close();
      assert.deepEqual(fs.readFileSync(file), whole, `cut at ${length}`);
      fs.rmSync(path.join(folder, 'copied.json'));
    }
  });

  it('holds no buffer while it rests, and goes on', async () => {
    collectAll();
    const before = process.memoryUsage().arrayBuffers;
    const { sink } = await open();
    await sink.write(batchOf([record(`${'x'.repeat(1 << 20)}\n`)]), at(1));
    await sink.pause(at(1), false);
    sink.rest();
    collectAll();
    const more = process.memoryUsage().arrayBuffers - before;
    assert.ok(more < 64 * 1024, `${more} bytes`);
    const length = fs.statSync(file).size;
    await sink.write(batchOf([record('more\n')]), at(2));
    await sink.pause(at(2), true);
    await sink.close();
    assert.match(fs.readFileSync(file, 'utf8').slice(length), /^{"log":"more\\n",.*}\n$/);
  });
});
