import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostConfig } from '../api/types/container.ts';
import { createBootOrder, createSlots, together } from './boot-order.ts';
import { judge, resolveDependencies, type Verdict } from './dependencies.ts';
import type { Health } from './health-state.ts';
import { type ContainerRecord, initialState, type RecordedState } from './record.ts';
import type { ContainerStore } from './store.ts';

const record = (state: Partial<RecordedState>, host: HostConfig = {}): ContainerRecord =>
  ({ id: 'a'.repeat(64), name: 'db', config: {}, host, state: { ...initialState, ...state } }) as ContainerRecord;
const health = (status: Health['status']): Health => ({ status, failingStreak: 0, log: [] });

describe('a dependency', () => {
  it('on a start is met by what runs, waited for while it comes, and failed by what will not', () => {
    const verdict = (state: Partial<RecordedState>, pending = false): Verdict =>
      judge(record(state), undefined, 'started', pending);
    assert.deepEqual([verdict({ status: 'running' }), verdict({ status: 'paused' })], ['met', 'met']);
    assert.deepEqual([verdict({ status: 'restarting' }), verdict({ status: 'exited' }, true)], ['waiting', 'waiting']);
    assert.deepEqual(verdict({ status: 'exited' }), { failed: 'does not run' });
    assert.deepEqual(verdict({ status: 'exited', error: 'no port' }), { failed: 'failed: no port' });
    assert.equal(judge(undefined, undefined, 'started', false), 'met');
  });

  it('on health is met by health alone, and failed by its lack unless that leads to a restart', () => {
    const verdict = (status: Health['status'] | undefined, host?: HostConfig): Verdict =>
      judge(record({ status: 'running', restartCount: 2 }, host), status && health(status), 'healthy', false);
    assert.deepEqual([verdict('healthy'), verdict('starting')], ['met', 'waiting']);
    assert.deepEqual(verdict('unhealthy'), { failed: 'is unhealthy' });
    const restarts = (MaximumRetryCount: number): HostConfig => {
      return { RestartOnUnhealthy: true, RestartPolicy: { Name: 'on-failure', MaximumRetryCount } };
    };
    assert.deepEqual(
      [verdict('unhealthy', restarts(3)), verdict('unhealthy', restarts(2))],
      ['waiting', { failed: 'is unhealthy' }],
    );
  });

  it('is kept by id, and refused where there is no health to wait for', () => {
    const store = { resolve: () => record({}) } as Partial<ContainerStore> as ContainerStore;
    assert.deepEqual(resolveDependencies(store, [{ Container: 'db' }]), [
      { Container: 'a'.repeat(64), Condition: 'started' },
    ]);
    assert.throws(() => resolveDependencies(store, [{ Container: 'db', Condition: 'healthy' }]), {
      kind: 'invalid',
      message: 'cannot depend on the health of container "db": it has no health check',
    });
  });
});

describe('the order at boot', () => {
  it('lets each wait for its verdict, which is asked for again when something happened', async () => {
    const order = createBootOrder();
    const verdicts: Record<string, Verdict> = { web: 'waiting', job: 'waiting' };
    const ended: [string, string | undefined][] = [];
    const waits = Object.keys(verdicts).map((name) =>
      order.ready(() => verdicts[name] ?? 'met').then((failed) => void ended.push([name, failed])),
    );
    assert.equal(await order.ready(() => 'met'), undefined);
    assert.equal(order.waiting, 2);
    verdicts['job'] = { failed: 'does not run' };
    order.recheck();
    verdicts['web'] = 'met';
    order.recheck();
    await Promise.all(waits);
    assert.deepEqual(ended, [
      ['job', 'does not run'],
      ['web', undefined],
    ]);
    assert.equal(order.waiting, 0);
  });

  it('takes the first failure of several dependencies, and waits for all', () => {
    assert.equal(together([]), 'met');
    assert.equal(together(['met', 'waiting']), 'waiting');
    assert.deepEqual(together(['waiting', { failed: 'x' }, { failed: 'y' }]), { failed: 'x' });
  });

  it('starts so many at a time, in their order', async () => {
    const inSlot = createSlots(2);
    const log: string[] = [];
    const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
    const all = ends.map(({ promise }, index) =>
      inSlot(async () => {
        log.push(`begin ${index}`);
        await promise;
        if (index === 1) throw new Error('it fails');
      }).catch(() => log.push(`failed ${index}`)),
    );
    await Promise.resolve();
    assert.deepEqual(log, ['begin 0', 'begin 1']);
    for (const { resolve } of [...ends].reverse()) resolve();
    await Promise.all(all);
    assert.deepEqual(
      log.filter((line) => line.startsWith('begin')),
      ['begin 0', 'begin 1', 'begin 2', 'begin 3'],
    );
    assert.ok(log.includes('failed 1'));
  });
});
