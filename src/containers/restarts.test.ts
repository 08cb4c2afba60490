import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostConfig } from '../api/types/container.ts';
import { createFakeClock } from '../base/fake-clock.ts';
import { type ContainerRecord, initialState, type RecordedState } from './record.ts';
import { checkRestartPolicy, nextWait, startsWithEngine } from './restart-policy.ts';
import { createRestarts } from './restarts.ts';

const ID = 'c1';

/** A container that ends as soon as it is started, on a clock of its own. Says at what times it was started. */
function loop(policy: HostConfig['RestartPolicy'], options: { code: number; runs: (at: number) => number }) {
  const clock = createFakeClock();
  const starts: number[] = [];
  const record = {
    id: ID,
    host: { RestartPolicy: policy },
    state: { ...initialState, status: 'running', startedAt: new Date(0).toISOString() },
  } as ContainerRecord;
  const set = (change: Partial<RecordedState>): void => {
    record.state = { ...record.state, ...change };
  };
  const start = (): void => {
    set({ status: 'running' });
    starts.push(clock.now());
    restarts.started(ID);
    clock.setTimer(options.runs(starts.length), end);
  };
  const end = (): void => {
    const plan = restarts.decide(record, options.code, new Date());
    set(plan ? { status: 'restarting', restartCount: plan.restartCount, backoff: plan.wait } : { status: 'exited' });
    if (plan) restarts.schedule(ID, plan.wait);
  };
  const restarts = createRestarts(clock, start);
  restarts.open();
  start();
  return { clock, starts, record, restarts, set };
}

describe('restarts by policy', () => {
  it('come after 100 ms, twice that each time, and a minute at most', async () => {
    const { clock, starts, record } = loop({ Name: 'always' }, { code: 0, runs: () => 0 });
    await clock.advance(300_000);
    const waits = starts.slice(1).map((at, index) => at - starts[index]!);
    const doubled = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200];
    assert.deepEqual(waits, [...doubled, 60_000, 60_000, 60_000]);
    assert.deepEqual([record.state.restartCount, record.state.status], [waits.length + 1, 'restarting']);
  });

  it('come soon again after a run of ten seconds', async () => {
    const runs = (start: number): number => (start === 4 ? 10_000 : start > 5 ? 1e9 : 0);
    const { clock, starts } = loop({ Name: 'unless-stopped' }, { code: 1, runs });
    await clock.advance(60_000);
    assert.deepEqual(starts, [0, 100, 300, 700, 10_800, 11_000]);
  });

  it('are as many as `on-failure` allows, and none after success', async () => {
    const failing = loop({ Name: 'on-failure', MaximumRetryCount: 3 }, { code: 2, runs: () => 5 });
    await failing.clock.advance(600_000);
    assert.deepEqual([failing.starts.length, failing.record.state.status], [4, 'exited']);
    assert.equal(failing.clock.pending, 0);
    const done = loop({ Name: 'on-failure' }, { code: 0, runs: () => 5 });
    await done.clock.advance(600_000);
    assert.deepEqual([done.starts.length, done.record.state.restartCount], [1, 0]);
  });

  it('do not follow what a user stopped, and follow what was unhealthy whatever its code', async () => {
    for (const [asked, expected] of [
      ['stop', 1],
      ['unhealthy', 2],
      ['restart', 2],
    ] as const) {
      const { clock, starts, set } = loop({ Name: 'on-failure' }, { code: 0, runs: (n) => (n === 1 ? 1000 : 1e9) });
      set({ asked });
      await clock.advance(10_000);
      assert.equal(starts.length, expected, asked);
    }
    const { clock, starts, restarts, set } = loop({ Name: 'always' }, { code: 0, runs: () => 10 });
    set({ asked: 'restart' });
    restarts.byHand.add(ID); // the client starts it
    await clock.advance(10_000);
    assert.equal(starts.length, 1);
  });

  it('are called off one by one, or all when the engine ends', async () => {
    const one = loop({ Name: 'always' }, { code: 0, runs: () => 0 });
    await one.clock.advance(50);
    one.restarts.cancel(ID);
    await one.clock.advance(10_000);
    assert.deepEqual([one.starts.length, one.clock.pending], [1, 0]);
    const all = loop({ Name: 'always' }, { code: 0, runs: () => 0 });
    await all.clock.advance(50);
    await all.restarts.close();
    all.restarts.schedule(ID, 1);
    await all.clock.advance(10_000);
    assert.deepEqual([all.starts.length, all.clock.pending], [1, 0]);
  });

  it('that are under way are waited for when the engine ends, for ten seconds', async () => {
    const clock = createFakeClock();
    const restarts = createRestarts(clock, () => {});
    const start = Promise.withResolvers<void>();
    void restarts.underway(start.promise);
    let closed = 0;
    void restarts.close().then(() => closed++);
    await clock.advance(9000);
    assert.equal(closed, 0);
    void restarts.close().then(() => closed++);
    await clock.advance(1000);
    assert.equal(closed, 1);
    start.resolve();
    await clock.advance(0);
    assert.deepEqual([closed, clock.pending], [2, 0]);
  });

  it('go by the times of day for a run that another engine began', () => {
    const restarts = createRestarts(createFakeClock(), () => {});
    const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds));
    const state = { ...initialState, startedAt: at(0).toISOString(), backoff: 6400, restartCount: 7 };
    const record = { id: ID, host: { RestartPolicy: { Name: 'always' } }, state } as ContainerRecord;
    assert.deepEqual(restarts.decide(record, 1, at(9)), { wait: 12_800, restartCount: 8 });
    assert.deepEqual(restarts.decide(record, 1, at(10)), { wait: 100, restartCount: 8 });
    assert.equal(nextWait(0, 0), 100);
  });
});

describe('starting with the engine', () => {
  it('is for `always`, for `unless-stopped` that was not, and for `on-failure` with restarts left', () => {
    const starts = (Name: string, ended: object = {}, MaximumRetryCount = 0): boolean =>
      startsWithEngine({ Name, MaximumRetryCount }, { failed: true, restarts: 0, stopped: false, ...ended });
    assert.deepEqual([starts('no'), starts('always'), starts('always', { stopped: true })], [false, true, true]);
    assert.deepEqual([starts('unless-stopped'), starts('unless-stopped', { stopped: true })], [true, false]);
    assert.deepEqual([starts('on-failure'), starts('on-failure', { failed: false })], [true, false]);
    assert.deepEqual(
      [starts('on-failure', { restarts: 3 }, 3), starts('on-failure', { restarts: 2 }, 3)],
      [false, true],
    );
  });
});

describe('a restart policy', () => {
  it('is refused in the words of Docker when it is none', () => {
    const refusal = (Name: string, MaximumRetryCount = 0, AutoRemove = false): string => {
      try {
        checkRestartPolicy({ RestartPolicy: { Name, MaximumRetryCount }, AutoRemove });
        return '';
      } catch (error) {
        return (error as Error).message.replace('invalid restart policy: ', '');
      }
    };
    assert.equal(
      refusal('alway'),
      "unknown policy 'alway'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    );
    const only = "maximum retry count can only be used with 'on-failure'";
    assert.deepEqual([refusal('always', 3), refusal('no', -1)], [only, `${only} and cannot be negative`]);
    assert.equal(refusal('on-failure', -1), 'maximum retry count cannot be negative');
    assert.equal(refusal('always', 0, true), "can't create 'AutoRemove' container with restart policy");
    for (const Name of ['', 'no']) assert.equal(refusal(Name, 0, true), '');
    for (const Name of ['always', 'unless-stopped', 'on-failure']) assert.equal(refusal(Name), '');
  });
});
