import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ProgressMessage } from '../api/types/image.ts';
import type { Progress } from './contract.ts';
import { createSharing } from './pull-sharing.ts';

const never = new AbortController().signal;
const ignore: Progress = () => {};

/** Work that is under way until it is told to end; it tidies up when it is cancelled. */
function manualWork() {
  const end = Promise.withResolvers<string>();
  const started = Promise.withResolvers<Progress>();
  const aborted = Promise.withResolvers<void>();
  const tidy = Promise.withResolvers<void>();
  const log: string[] = [];
  const start = async (progress: Progress, signal: AbortSignal): Promise<string> => {
    log.push('started');
    signal.addEventListener('abort', () => {
      end.reject(signal.reason);
      aborted.resolve();
    });
    started.resolve(progress);
    try {
      return await end.promise;
    } finally {
      if (signal.aborted) await tidy.promise;
      log.push('ended');
    }
  };
  return { start, end, started: started.promise, aborted: aborted.promise, tidy, log };
}

test('does the work of a key once, and keys apart', async () => {
  const sharing = createSharing<string>();
  const [one, other] = [manualWork(), manualWork()];
  const results = [
    sharing.join('a', ignore, never, one.start),
    sharing.join('a', ignore, never, one.start),
    sharing.join('b', ignore, never, other.start),
  ];
  one.end.resolve('one');
  other.end.resolve('other');
  assert.deepEqual(await Promise.all(results), ['one', 'one', 'other']);
  assert.deepEqual(one.log, ['started', 'ended']);
  assert.equal(await sharing.join('a', ignore, never, async () => 'again'), 'again');
});

test('tells one who comes late the latest line of each id first', async () => {
  const sharing = createSharing<string>();
  const { start, started, end } = manualWork();
  const early: ProgressMessage[] = [];
  const late: ProgressMessage[] = [];
  const first = sharing.join('a', (line) => early.push(line), never, start);
  const progress = await started;
  progress({ status: 'Downloading', id: 'x' });
  progress({ status: 'Extracting', id: 'x' });
  progress({ status: 'Waiting', id: 'y' });
  const second = sharing.join('a', (line) => late.push(line), never, start);
  progress({ status: 'Done' });
  end.resolve('');
  await Promise.all([first, second]);
  assert.deepEqual(
    early.map(({ status }) => status),
    ['Downloading', 'Extracting', 'Waiting', 'Done'],
  );
  assert.deepEqual(
    late.map(({ status }) => status),
    ['Extracting', 'Waiting', 'Done'],
  );
});

test('goes on while anyone waits, and ends with the last, who waits until it has tidied up', async () => {
  const sharing = createSharing<string>();
  const { start, started, aborted, tidy, log } = manualWork();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = sharing.join('a', ignore, one.signal, start);
  const second = sharing.join('a', ignore, two.signal, start);
  await started;
  one.abort();
  await assert.rejects(first, { kind: 'cancelled' });
  assert.deepEqual(log, ['started']);
  two.abort();
  await aborted;
  const next = sharing.join('a', ignore, never, async () => {
    log.push('next');
    return 'next';
  });
  tidy.resolve();
  await assert.rejects(second, { kind: 'cancelled' });
  assert.equal(await next, 'next');
  assert.deepEqual(log, ['started', 'ended', 'next']);
});

test('starts nothing for a caller who has gone already', async () => {
  const sharing = createSharing<string>();
  await assert.rejects(
    sharing.join('a', ignore, AbortSignal.abort(), () => assert.fail('started')),
    { kind: 'cancelled' },
  );
});

test('gives everyone the failure, or lets those who joined try for themselves', async () => {
  for (const retryOthers of [false, true]) {
    const sharing = createSharing<string>({ retryOthers });
    const { start, end } = manualWork();
    const first = sharing.join('a', ignore, never, start);
    const second = sharing.join('a', ignore, never, async () => 'mine');
    end.reject(new Error('failed'));
    await assert.rejects(first, /failed/);
    if (retryOthers) assert.equal(await second, 'mine');
    else await assert.rejects(second, /failed/);
  }
});
