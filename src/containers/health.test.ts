import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ContainerConfig } from '../api/types/container.ts';
import { createFakeClock } from '../base/fake-clock.ts';
import { createHealthMonitors } from './health.ts';
import { checkHealthcheck, healthPlan, mergeHealthcheck } from './health-plan.ts';
import type { Health, ProbeResult } from './health-state.ts';
import { type ContainerRecord, initialState } from './record.ts';

const ms = 1_000_000;
type Check = NonNullable<ContainerConfig['Healthcheck']>;

function recordWith(check: Check, state: Partial<ContainerRecord['state']> = {}): ContainerRecord {
  const Healthcheck = { Test: ['CMD', 'check'], Interval: 1000 * ms, Timeout: 100 * ms, ...check };
  return {
    id: 'c1',
    config: { Healthcheck },
    state: { ...initialState, status: 'running', ...state },
  } as ContainerRecord;
}

/** Monitors of one container whose probes give the codes in turn, the last for ever. Takes down what happens when. */
function monitored(check: Check, codes: number[], saved = new Map<string, Health>()) {
  const clock = createFakeClock();
  const probes: number[] = [];
  const changes: [string, number][] = [];
  let pending = 0;
  let delay = 0;
  const monitors = createHealthMonitors({
    clock,
    saved,
    save: (id, health) => void saved.set(id, health),
    changed: (_, health) => void changes.push([health.status, clock.now()]),
    async probe(_record, _plan, signal): Promise<ProbeResult> {
      probes.push(clock.now());
      pending += 1;
      await new Promise<void>((resolve) => {
        if (delay === 0) return resolve();
        clock.setTimer(delay, resolve);
        signal.addEventListener('abort', () => resolve());
      });
      pending -= 1;
      const exitCode = (codes.length > 1 ? codes.shift() : codes[0]) ?? 0;
      return { start: '', end: '', exitCode, output: `probe ${probes.length}` };
    },
  });
  const slow = (milliseconds: number): void => {
    delay = milliseconds;
  };
  return { clock, monitors, probes, changes, saved, slow, running: () => pending, record: recordWith(check) };
}

describe('the health of a container', () => {
  it('is starting until the first success, and unhealthy after as many failures in a row as retries', async () => {
    const { clock, monitors, probes, changes, record, saved } = monitored({ Retries: 2 }, [0, 1, 0, 1, 1, 1, 0, 0]);
    assert.equal(monitors.of('c1'), undefined);
    monitors.begin(record);
    assert.deepEqual(monitors.of('c1'), { status: 'starting', failingStreak: 0, log: [] });
    await clock.advance(6500);
    assert.deepEqual(probes, [1000, 2000, 3000, 4000, 5000, 6000]);
    const { status, failingStreak, log } = monitors.of('c1')!;
    assert.deepEqual([status, failingStreak], ['unhealthy', 3]);
    assert.deepEqual(
      log.map(({ output }) => output),
      [2, 3, 4, 5, 6].map((number) => `probe ${number}`),
    );
    assert.deepEqual(saved.get('c1'), monitors.of('c1'));
    await clock.advance(2000);
    assert.deepEqual(changes, [
      ['healthy', 1000],
      ['unhealthy', 5000],
      ['healthy', 7000],
    ]);
  });

  it('is not counted against it in its start period, in which it is looked at more often', async () => {
    const check = { StartPeriod: 2000 * ms, StartInterval: 300 * ms, Retries: 1 };
    const { clock, monitors, probes, changes, record } = monitored(check, [1]);
    monitors.begin(record);
    await clock.advance(3000);
    assert.deepEqual(probes, [300, 600, 900, 1200, 1500, 1800, 2100]);
    assert.deepEqual(changes, [['unhealthy', 2100]]);
    const soon = monitored(check, [1, 0, 1]);
    soon.monitors.begin(soon.record);
    await soon.clock.advance(2000);
    assert.deepEqual(soon.probes, [300, 600, 1600], 'once it was healthy, the usual interval');
    assert.deepEqual(soon.changes.at(-1), ['unhealthy', 1600], 'and failures count');
  });

  it('is not looked at while it stands still, and a probe that runs then is dropped', async () => {
    const { clock, monitors, probes, record, slow, running } = monitored({ Retries: 1 }, [1]);
    slow(500);
    monitors.begin(record);
    await clock.advance(1200);
    assert.equal(running(), 1);
    monitors.suspend('c1');
    await clock.advance(60_000);
    assert.deepEqual([running(), probes.length, clock.pending], [0, 1, 0 /* the fake probe's own is over */]);
    assert.equal(monitors.of('c1')?.status, 'starting');
    monitors.unsuspend('c1');
    await clock.advance(1000);
    assert.deepEqual(probes, [1000, 62_200]);
  });

  it('ends with it as unhealthy, and begins anew with its next start, which keeps the log', async () => {
    const { clock, monitors, probes, changes, record } = monitored({}, [0]);
    monitors.begin(record);
    await clock.advance(1000);
    monitors.end('c1');
    assert.deepEqual([monitors.of('c1')?.status, clock.pending], ['unhealthy', 0]);
    await clock.advance(10_000);
    monitors.begin(record);
    assert.deepEqual([monitors.of('c1')?.status, monitors.of('c1')?.log.length], ['starting', 1]);
    await clock.advance(1000);
    assert.deepEqual([probes, changes.length], [[1000, 12_000], 2]);
    monitors.forget('c1');
    assert.deepEqual([monitors.of('c1'), clock.pending], [undefined, 0]);
  });

  it('goes on where it was with another engine', async () => {
    const now = Date.now();
    const end = new Date(now - 400).toISOString();
    const health: Health = { status: 'healthy', failingStreak: 2, log: [{ start: end, end, exitCode: 1, output: '' }] };
    const { clock, monitors, probes, changes } = monitored({}, [1], new Map([['c1', health]]));
    const startedAt = new Date(now - 60_000).toISOString();
    monitors.resume(recordWith({ Retries: 3, StartPeriod: 59_000 * ms }, { startedAt }));
    const rest = 600 - (Date.now() - now); // or more, by what went by since
    await clock.advance(700);
    assert.equal(probes.length, 1);
    assert.ok(probes[0]! >= rest && probes[0]! <= 600, `after the rest of the interval, not ${probes[0]}`);
    assert.deepEqual(
      changes.map(([status]) => status),
      ['unhealthy'],
    );
    monitors.close();
    assert.equal(clock.pending, 0);
  });

  it('is nothing where none is asked for', () => {
    const { clock, monitors } = monitored({}, [0]);
    monitors.begin(recordWith({ Test: ['NONE'] }));
    monitors.end('c1');
    assert.deepEqual([monitors.of('c1'), clock.pending], [undefined, 0]);
  });
});

describe('a health check', () => {
  it('has the defaults of Docker, and the shell of the image', () => {
    assert.deepEqual(healthPlan({ Healthcheck: { Test: ['CMD-SHELL', 'true'] } }), {
      ...{ command: ['/bin/sh', '-c', 'true'], interval: 30_000, timeout: 30_000, startPeriod: 0 },
      ...{ startInterval: 5000, retries: 3 },
    });
    assert.deepEqual(healthPlan({ Healthcheck: { Test: ['CMD-SHELL', 'x'] }, Shell: ['ash', '-xc'] })?.command, [
      ...['ash', '-xc', 'x'],
    ]);
    const odd = { Test: ['CMD', 'x'], Interval: 'often', Timeout: 5, Retries: -1 } as unknown as Check;
    const { interval, timeout, retries } = healthPlan({ Healthcheck: odd })!;
    assert.deepEqual([interval, timeout, retries], [30_000, 30_000, 3], 'what an image says and nobody can do');
    for (const Test of [[], ['NONE'], ['CMD'], ['ELSE', 'x']])
      assert.equal(healthPlan({ Healthcheck: { Test } }), undefined);
  });

  it("is completed from the image's, field by field", () => {
    const image = { Test: ['CMD', 'a'], Interval: 5, Retries: 7 };
    assert.deepEqual(mergeHealthcheck({ Interval: 9, Retries: 0 }, image), { ...image, Interval: 9 });
    assert.deepEqual(mergeHealthcheck({ Test: ['NONE'] }, image)?.Test, ['NONE']);
    assert.deepEqual([mergeHealthcheck(undefined, image), mergeHealthcheck(image, undefined)], [image, image]);
  });

  it('is refused when it is none', () => {
    const refusal = (check: Check, message: RegExp): void =>
      assert.throws(() => checkHealthcheck(check), { kind: 'invalid', message });
    refusal({ Test: ['SHELL', 'x'] }, /must begin with CMD, CMD-SHELL or NONE, not "SHELL"/);
    refusal({ Test: ['CMD'] }, /no command/);
    refusal({ Interval: 5 }, /Interval in Healthcheck cannot be less than 1ms/);
    refusal({ StartInterval: -1 }, /StartInterval in Healthcheck cannot be less than 1ms/);
    refusal({ Retries: -1 }, /Retries in Healthcheck cannot be negative/);
    checkHealthcheck({ Test: ['NONE'], Interval: 0 });
    checkHealthcheck({ Test: [] });
  });
});
