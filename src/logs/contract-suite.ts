import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import type { LogDriver, LogReadOptions, LogRecord } from './contract.ts';

/** One record as a container makes it. */
export interface Written {
  readonly time: bigint;
  readonly stream?: 'stdout' | 'stderr';
  readonly text: string;
}

export interface LogDriverUnderTest {
  readonly driver: LogDriver;
  /** What the monitor, or the driver's own writer, does with output. `text` without a newline at its end is partial. */
  append(file: string, records: readonly Written[]): void;
}

/** What every log driver that can be read has to pass. */
export function logDriverContractSuite(name: string, open: () => LogDriverUnderTest): void {
  describe(`log driver ${name}`, () => {
    const { driver, append } = open();
    let folder = '';
    let file = '';
    let ended = Promise.withResolvers<void>();
    beforeEach(() => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-logs-'));
      file = path.join(folder, 'output.log');
      ended = Promise.withResolvers<void>();
    });
    afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

    const container = () => ({ id: 'c', monitorLog: file, ended: () => ended.promise });
    const start = (options: Partial<LogReadOptions>, signal = AbortSignal.timeout(20_000)) =>
      driver.reader(container()).read({ stdout: true, stderr: true, follow: false, ...options }, signal);
    const read = async (options: Partial<LogReadOptions> = {}) => texts(await Array.fromAsync(start(options)));
    const lines = (from: number, to: number): Written[] =>
      Array.from({ length: to - from + 1 }, (_, i) => ({ time: second(from + i), text: `line ${from + i}\n` }));

    it('gives back what was written: streams, times, bytes, order', async () => {
      append(file, [
        { time: second(1) + 123456789n, text: 'one\n' },
        { time: second(2), stream: 'stderr', text: 'two\n' },
        { time: second(3), text: '\n' },
        { time: second(4), text: 'no newline' },
      ]);
      const records = await Array.fromAsync(start({}));
      assert.deepEqual(
        records.map(({ time, stream, partial, data }) => ({
          time,
          stream,
          partial,
          text: Buffer.from(data).toString(),
        })),
        [
          { time: second(1) + 123456789n, stream: 'stdout', partial: false, text: 'one\n' },
          { time: second(2), stream: 'stderr', partial: false, text: 'two\n' },
          { time: second(3), stream: 'stdout', partial: false, text: '\n' },
          { time: second(4), stream: 'stdout', partial: true, text: 'no newline' },
        ],
      );
    });

    it('is empty for a container that has written nothing', async () => {
      assert.deepEqual(await read(), []);
      assert.deepEqual(await read({ tail: 3 }), []);
    });

    it('selects by stream and by time', async () => {
      append(file, [...lines(1, 5), { time: second(6), stream: 'stderr', text: 'err\n' }]);
      assert.deepEqual(await read({ stdout: false }), ['err\n']);
      assert.deepEqual(await read({ since: second(4), stderr: false }), ['line 4\n', 'line 5\n']);
      assert.deepEqual(await read({ until: second(2) }), ['line 1\n', 'line 2\n']);
      assert.deepEqual(await read({ since: second(2), until: second(3) }), ['line 2\n', 'line 3\n']);
      assert.deepEqual(await read({ since: 0n, until: 0n, tail: 1 }), ['err\n']);
    });

    it('gives the last lines, of those that pass', async () => {
      append(file, lines(1, 20_000));
      append(file, [{ time: second(20_001), stream: 'stderr', text: 'err\n' }]);
      assert.deepEqual(await read({ tail: 0 }), []);
      assert.deepEqual(await read({ tail: 2 }), ['line 20000\n', 'err\n']);
      assert.deepEqual(await read({ tail: 2, stderr: false }), ['line 19999\n', 'line 20000\n']);
      assert.deepEqual(await read({ tail: 1, until: second(100) }), ['line 100\n']);
      assert.equal((await read({ tail: 15_000 }))[0], 'line 5002\n');
      assert.equal((await read({ tail: 50_000 })).length, 20_001);
    });

    it('keeps the pieces of a line together, also at the cut and between the streams', async () => {
      append(file, [
        { time: second(1), text: 'old\n' },
        { time: second(2), text: 'a' },
        { time: second(3), stream: 'stderr', text: 'e1\n' },
        { time: second(4), text: 'b' },
        { time: second(5), stream: 'stderr', text: 'e2' },
        { time: second(6), text: 'c\n' },
        { time: second(7), stream: 'stderr', text: '-end\n' },
      ]);
      assert.equal((await read({ stderr: false, tail: 1 })).join(''), 'abc\n');
      assert.equal((await read({ stdout: false, tail: 1 })).join(''), 'e2-end\n');
      assert.deepEqual(await read({ tail: 2 }), ['a', 'b', 'e2', 'c\n', '-end\n']);
    });

    it('counts a last line without an end', async () => {
      append(file, [...lines(1, 3), { time: second(4), text: 'half' }]);
      assert.deepEqual(await read({ tail: 1 }), ['half']);
      assert.deepEqual(await read({ tail: 2 }), ['line 3\n', 'half']);
    });

    it('follows until the container has ended, and gives all of its output', async () => {
      append(file, lines(1, 2));
      const reading = start({ follow: true, tail: 1 })[Symbol.asyncIterator]();
      assert.equal(textOf(await reading.next()), 'line 2\n');
      const next = reading.next();
      append(file, lines(3, 3));
      assert.equal(textOf(await next), 'line 3\n');
      append(file, lines(4, 3000));
      ended.resolve();
      let last = '';
      let count = 0;
      for (let step = await reading.next(); !step.done; step = await reading.next()) {
        last = textOf(step);
        count += 1;
      }
      assert.equal(last, 'line 3000\n');
      assert.equal(count, 2997);
    });

    it('follows a container that has not written yet', async () => {
      const reading = start({ follow: true })[Symbol.asyncIterator]();
      const next = reading.next();
      append(file, lines(1, 1));
      assert.equal(textOf(await next), 'line 1\n');
      ended.resolve();
      assert.equal((await reading.next()).done, true);
    });

    it('stops following when called off, and at the moment asked for', async () => {
      append(file, lines(1, 1));
      const abort = new AbortController();
      const reading = start({ follow: true }, abort.signal)[Symbol.asyncIterator]();
      await reading.next();
      const next = reading.next();
      abort.abort();
      assert.equal((await next).done, true);
      const until = BigInt(Date.now() + 100) * 1_000_000n;
      assert.deepEqual(await read({ follow: true, until }), ['line 1\n']);
    });

    it('reads 300,000 lines in about a second, and the last at once', async () => {
      for (let i = 0; i < 3; i++) append(file, lines(i * 100_000, i * 100_000 + 99_999));
      const begin = performance.now();
      let bytes = 0;
      for await (const { data } of start({})) bytes += data.length;
      const took = performance.now() - begin;
      assert.ok(bytes > 3_000_000);
      assert.ok(took < 3000, `took ${Math.round(took)} ms`);
      const tailBegin = performance.now();
      assert.deepEqual(await read({ tail: 1 }), ['line 299999\n']);
      assert.ok(performance.now() - tailBegin < 500);
    });

    it('refuses an option that it does not know', () => {
      driver.check({});
      assert.throws(() => driver.check({ nonsense: '1' }), { kind: 'invalid', message: /nonsense/ });
    });
  });
}

const second = (n: number): bigint => (1_700_000_000n + BigInt(n)) * 1_000_000_000n;
const texts = (records: LogRecord[]): string[] => records.map(({ data }) => Buffer.from(data).toString());
const textOf = (step: IteratorResult<LogRecord>): string => (step.done ? '' : Buffer.from(step.value.data).toString());
