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
function monitored(check: Check, codes: number[], saved = new Map<string, Health>(), early = false) {
  const clock = createFakeClock();
  const probes: number[] = [];
  const kinds: string[] = [];
  const changes: [string, number][] = [];
  let pending = 0;
  let delay = 0;
  const monitors = createHealthMonitors({
    clock,
    saved,
    early,
    save: (id, health) => void saved.set(id, health),
    changed: (_, health) => void changes.push([health.status, clock.now()]),
    async probe(_record, _plan, signal, kind): Promise<ProbeResult> {
      assert.equal(pending, 0, 'one probe at a time');
      probes.push(clock.now());
      kinds.push(kind);
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
  return { clock, monitors, probes, kinds, changes, saved, slow, running: () => pending, record: recordWith(check) };
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

describe('the health of a container before its first regular check', () => {
  const early = (check: Check, codes: number[], saved = new Map<string, Health>()) =>
    monitored(check, codes, saved, true);

  it('is good as soon as an early check finds it so, and the next one comes an interval later', async () => {
    const { clock, monitors, probes, kinds, changes, saved, record } = early({ Interval: 30_000 * ms }, [1, 1, 0, 1]);
    monitors.begin(record);
    await clock.advance(1500);
    assert.deepEqual([probes, changes], [[250, 500, 1000], [['healthy', 1000]]]);
    assert.deepEqual(saved.get('c1'), monitors.of('c1'));
    assert.deepEqual(
      monitors.of('c1')?.log.map(({ output }) => output),
      ['probe 3'],
    );
    await clock.advance(60_000);
    assert.deepEqual(probes.slice(3), [31_000, 61_000]);
    assert.deepEqual([kinds.slice(3), monitors.of('c1')?.failingStreak], [['regular', 'regular'], 2]);
  });

  it('is not bad for it: failures leave no trace, and the first regular check comes when it would', async () => {
    const { clock, monitors, probes, kinds, changes, record } = early({ Interval: 30_000 * ms, Retries: 1 }, [1]);
    monitors.begin(record);
    await clock.advance(29_999);
    assert.deepEqual(probes, [250, 500, 1000, 2000, 4000, 8000, 16_000]);
    assert.deepEqual(monitors.of('c1'), { status: 'starting', failingStreak: 0, log: [] });
    assert.deepEqual(changes, []);
    await clock.advance(1);
    assert.deepEqual([probes.at(-1), kinds.at(-1), changes], [30_000, 'regular', [['unhealthy', 30_000]]]);
    await clock.advance(30_000);
    assert.equal(probes.at(-1), 60_000);
    assert.equal(clock.pending, 1);
  });

  it('is not looked at early where regular checks come as soon', async () => {
    const at = async (check: Check): Promise<number[]> => {
      const { clock, monitors, probes, record } = early(check, [1]);
      monitors.begin(record);
      await clock.advance(1200);
      return probes;
    };
    assert.deepEqual(await at({ Interval: 400 * ms }), [400, 800, 1200]);
    assert.deepEqual(await at({ Interval: 500 * ms }), [250, 500, 1000]);
    assert.deepEqual(await at({ StartPeriod: 5000 * ms, StartInterval: 600 * ms }), [250, 600, 1200]);
  });

  it('has an early check that still runs ended for the regular one', async () => {
    const { clock, monitors, probes, kinds, record, slow, running } = early({ Retries: 1 }, [0]);
    slow(900);
    monitors.begin(record);
    await clock.advance(999);
    assert.deepEqual([probes, running(), monitors.of('c1')?.status], [[250], 1, 'starting']);
    await clock.advance(1);
    assert.deepEqual(
      [probes, kinds],
      [
        [250, 1000],
        ['early', 'regular'],
      ],
    );
    await clock.advance(900);
    assert.equal(monitors.of('c1')?.status, 'healthy');
    await clock.advance(1000);
    assert.equal(probes.at(-1), 2900);
  });

  it('is left alone by early checks when it ends, stands still or goes', async () => {
    const { clock, monitors, probes, record, slow, running } = early({ Interval: 30_000 * ms }, [0]);
    slow(200);
    for (const leave of [monitors.end, monitors.forget, monitors.suspend, monitors.close]) {
      const before = probes.length;
      monitors.begin(record);
      await clock.advance(300);
      assert.deepEqual([probes.length - before, running()], [1, 1]);
      leave('c1');
      await clock.advance(1000);
      assert.deepEqual([probes.length - before, running(), clock.pending], [1, 0, 0]);
    }
  });

  it('is looked at on after a pause, by the time since the start', async () => {
    const { clock, monitors, probes, record } = early({ Interval: 30_000 * ms }, [1]);
    monitors.begin(record);
    await clock.advance(600);
    monitors.suspend('c1');
    await clock.advance(1900);
    monitors.unsuspend('c1');
    await clock.advance(29_999);
    assert.deepEqual(probes, [250, 500, 4000, 8000, 16_000, 32_000]);
    await clock.advance(1);
    assert.equal(probes.at(-1), 32_500);
  });

  it('is looked at on by the next engine, as if it had been there', async (test) => {
    test.mock.timers.enable({ apis: ['Date'], now: 1_000_000_000 });
    const former = new Date(Date.now() - 100_000).toISOString();
    const old = { start: former, end: former, exitCode: 0, output: 'of the run before' };
    const resumed = async (ago: number, health: Health): Promise<[number[], string[]]> => {
      const { clock, monitors, probes, kinds } = early({}, [1], new Map([['c1', health]]));
      const startedAt = new Date(Date.now() - ago).toISOString();
      monitors.resume(recordWith({ Interval: 30_000 * ms }, { startedAt }));
      await clock.advance(35_000 - ago);
      monitors.close();
      return [probes.map((at) => (at + ago) / 1000), kinds];
    };
    const starting: Health = { status: 'starting', failingStreak: 0, log: [old] };
    assert.deepEqual(await resumed(3000, starting), [
      [4, 8, 16, 30],
      ['early', 'early', 'early', 'regular'],
    ]);
    const ago = (time: number): string => new Date(Date.now() - time).toISOString();
    const failed = { start: ago(1000), end: ago(1000), exitCode: 1, output: '' };
    const counted: Health = { status: 'starting', failingStreak: 1, log: [old, failed] };
    assert.deepEqual(await resumed(4000, counted), [[33], ['regular']]);
    assert.deepEqual(await resumed(4000, { ...counted, status: 'healthy' }), [[33], ['regular']]);
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
