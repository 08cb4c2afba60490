import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { recordsOf } from './batch.ts';
import type { LogDriver, LoggedContainer, LogKeeping, LogReadOptions, LogRecord } from './contract.ts';
import { testContainer, type Written } from './test-container.ts';

export interface LogDriverUnderTest {
  readonly driver: LogDriver;
  /** What the monitor does with output, to its file. `text` without a newline at its end is partial. */
  append(file: string, records: readonly Written[]): void;
  /** Options without which the driver cannot be used here, such as an address. */
  readonly plain?: Readonly<Record<string, string>>;
  /** Put before the names of options that bound what can be read. */
  readonly prefix?: string;
  /** How many lines are read in about a second; fewer for a driver that sends each somewhere. */
  readonly many?: number;
}

/** What every log driver that can be read has to pass. */
export function logDriverContractSuite(name: string, open: () => LogDriverUnderTest): void {
  describe(`log driver ${name}`, () => {
    const { driver, append, plain = {}, prefix = '', many = 300_000 } = open();
    let folder = '';
    let file = '';
    let ended = Promise.withResolvers<void>();
    let container: LoggedContainer;
    let keeping: LogKeeping;
    /** What every container but those of single tests has. */
    const begin = async (options: Readonly<Record<string, string>>) => {
      keeping?.stop();
      container = testContainer(file, { ended: () => ended.promise, options });
      await driver.prepare(container);
      append(file, []);
      keeping = driver.keep(container);
    };
    const end = async () => {
      ended.resolve();
      await keeping.finish();
    };
    beforeEach(async () => {
      folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-logs-'));
      file = path.join(folder, 'output.log');
      ended = Promise.withResolvers<void>();
      await begin({ ...plain });
    });
    afterEach(() => {
      keeping.stop();
      fs.rmSync(folder, { recursive: true, force: true });
    });

    const start = async function* (options: Partial<LogReadOptions>, signal = AbortSignal.timeout(100_000)) {
      const reader = driver.reader(container);
      for await (const batch of reader.read({ stdout: true, stderr: true, follow: false, ...options }, signal)) {
        assert.ok(batch.count > 0);
        yield* recordsOf(batch);
      }
    };
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
      await end(); // a driver may wait for the end of a line as long as there can be one
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
      assert.equal((await read({ tail: 2 })).join('').length, 'abc\ne2-end\n'.length);
    });

    it('counts a last line without an end', async () => {
      append(file, [...lines(1, 3), { time: second(4), text: 'half' }]);
      await end();
      assert.deepEqual(await read({ tail: 1 }), ['half']);
      assert.deepEqual(await read({ tail: 2 }), ['line 3\n', 'half']);
    });

    it('follows until the container has ended, and gives all of its output', async () => {
      append(file, lines(1, 2));
      const reading = start({ follow: true, tail: 1 });
      assert.equal(textOf(await reading.next()), 'line 2\n');
      const next = reading.next();
      append(file, lines(3, 3));
      assert.equal(textOf(await next), 'line 3\n');
      append(file, lines(4, 3000));
      const ending = end();
      let last = '';
      let count = 0;
      for (let step = await reading.next(); !step.done; step = await reading.next()) {
        last = textOf(step);
        count += 1;
      }
      assert.equal(last, 'line 3000\n');
      assert.equal(count, 2997);
      await ending;
    });

    it('follows a container that has not written yet', async () => {
      const reading = start({ follow: true });
      const next = reading.next();
      append(file, lines(1, 1));
      assert.equal(textOf(await next), 'line 1\n');
      const [step] = await Promise.all([reading.next(), end()]);
      assert.equal(step.done, true);
    });

    it('stops following when called off, and at the moment asked for', async () => {
      append(file, lines(1, 1));
      const abort = new AbortController();
      const reading = start({ follow: true }, abort.signal);
      await reading.next();
      const next = reading.next();
      abort.abort();
      assert.equal((await next).done, true);
      const until = BigInt(Date.now() + 100) * 1_000_000n;
      assert.deepEqual(await read({ follow: true, until }), ['line 1\n']);
    });

    it(`reads ${many} lines in seconds, and the last at once`, async () => {
      for (let at = 0; at < many; at += 100_000) append(file, lines(at, Math.min(at + 100_000, many) - 1));
      await read({ tail: 1 }); // a driver may have to copy first
      const begin = performance.now();
      let count = 0;
      const options = { stdout: true, stderr: true, follow: false };
      for await (const batch of driver.reader(container).read(options, AbortSignal.timeout(100_000)))
        count += batch.count;
      const took = performance.now() - begin;
      assert.equal(count, many);
      assert.ok(took < 30_000, `took ${Math.round(took)} ms`); // about one second where nothing else runs
      const tailBegin = performance.now();
      assert.deepEqual(await read({ tail: 1 }), [`line ${many - 1}\n`]);
      assert.ok(performance.now() - tailBegin < 5000);
    });

    it('keeps what its limits allow, the newest, and reads it in order', async () => {
      await begin({ ...plain, [`${prefix}max-size`]: '40k', [`${prefix}max-file`]: '3' });
      const follower = start({ follow: true });
      let followed = 0;
      const following = (async () => {
        for await (const { data } of follower) {
          followed += 1;
          assert.equal(Buffer.from(data).toString(), `line ${followed}\n`);
        }
      })();
      for (let at = 0; at < 20; at += 1) {
        append(file, lines(at * 500 + 1, at * 500 + 500));
        await until(() => followed === (at + 1) * 500);
        await setTimeout(60); // about as long as a look at the size takes
      }
      await end();
      await following;
      assert.equal(followed, 10_000);
      const kept = await read();
      assert.ok(kept.length >= 1000 && kept.length < 7000, `${kept.length} lines were kept`);
      const first = 10_000 - kept.length + 1;
      assert.deepEqual(
        kept,
        lines(first, 10_000).map(({ text }) => text),
      );
      assert.deepEqual(await read({ tail: 1500 }), kept.slice(-1500));
      assert.deepEqual(await read({ since: second(9000), until: second(9001) }), ['line 9000\n', 'line 9001\n']);
    });

    it('forgets what was logged when told to, while it is followed', async () => {
      append(file, lines(1, 100));
      const reading = start({ follow: true, tail: 1 });
      assert.equal(textOf(await reading.next()), 'line 100\n');
      await driver.clear(container);
      assert.deepEqual(await read(), []);
      append(file, lines(101, 102));
      assert.equal(textOf(await reading.next()), 'line 101\n');
      await reading.return(undefined);
      await end();
      assert.deepEqual(await read(), ['line 101\n', 'line 102\n']);
      await driver.clear(container);
      assert.deepEqual(await read(), []);
      assert.deepEqual(await read({ tail: 5 }), []);
    });

    it('goes on where it was when the engine was away', async () => {
      append(file, lines(1, 10));
      await read();
      keeping.stop();
      append(file, lines(11, 20));
      keeping = driver.keep(container);
      append(file, lines(21, 30));
      await end();
      assert.deepEqual(
        await read(),
        lines(1, 30).map(({ text }) => text),
      );
    });

    it('refuses an option that it does not know', () => {
      driver.check({ ...plain });
      assert.throws(() => driver.check({ ...plain, nonsense: '1' }), { kind: 'invalid', message: /nonsense/ });
    });
  });
}

/** Resolves once it is true, looking at every turn of the event loop. */
async function until(isTrue: () => boolean): Promise<void> {
  const limit = performance.now() + 100_000;
  while (!isTrue()) {
    if (performance.now() > limit) throw new Error('it never became true');
    await setImmediate();
  }
}

const second = (n: number): bigint => (1_700_000_000n + BigInt(n)) * 1_000_000_000n;
const texts = (records: LogRecord[]): string[] => records.map(({ data }) => Buffer.from(data).toString());
const textOf = (step: IteratorResult<LogRecord>): string => (step.done ? '' : Buffer.from(step.value.data).toString());
