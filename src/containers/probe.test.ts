import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock, type FakeClock } from '../base/fake-clock.ts';
import { healthPlan } from './health-plan.ts';
import { type RunningProbe, runProbe } from './probe.ts';

const ms = 1_000_000;

describe('a probe', () => {
  const plan = healthPlan({ Healthcheck: { Test: ['CMD', 'x'], Timeout: 1500 * ms } })!;
  const never = new AbortController().signal;

  /** A process on a clock: says things, and ends by itself or when it is killed. */
  function process(clock: FakeClock, { ends = Infinity, says = [] as string[] } = {}) {
    const ended = Promise.withResolvers<number>();
    let killed = false;
    if (ends !== Infinity) clock.setTimer(ends, () => ended.resolve(3));
    const probe: RunningProbe = {
      onOutput: (listener) => {
        for (const text of says) listener(Buffer.from(text));
      },
      ended: ended.promise,
      kill() {
        killed = true;
        ended.resolve(137);
      },
    };
    return { probe, killed: () => killed };
  }

  it('gives its code and both its outputs, of which 4096 bytes are kept', async () => {
    const clock = createFakeClock();
    const { probe } = process(clock, { ends: 10, says: ['one\n', 'two\n'] });
    const result = runProbe(clock, plan, async () => probe, never);
    await clock.advance(10);
    const { exitCode, output } = await result;
    assert.deepEqual([exitCode, output, clock.pending], [3, 'one\ntwo\n', 0]);
    const much = process(clock, { ends: 10, says: ['x'.repeat(4000), 'é'.repeat(100), 'z'] }).probe;
    const long = runProbe(clock, plan, async () => much, never);
    await clock.advance(10);
    assert.equal((await long).output, `${'x'.repeat(4000)}${'é'.repeat(48)}...`);
  });

  it('is killed when its time is over, and says so', async () => {
    const clock = createFakeClock();
    const { probe, killed } = process(clock, { says: ['wait'] });
    const result = runProbe(clock, plan, async () => probe, never);
    await clock.advance(1499);
    assert.equal(killed(), false);
    await clock.advance(1);
    const { exitCode, output } = await result;
    assert.deepEqual([killed(), exitCode, output], [true, -1, 'Health check exceeded timeout (1.5s): wait']);
  });

  it('is killed when it is called off', async () => {
    const clock = createFakeClock();
    const { probe, killed } = process(clock);
    const off = new AbortController();
    const result = runProbe(clock, plan, async () => probe, off.signal);
    await clock.advance(5);
    off.abort();
    await result;
    assert.deepEqual([killed(), clock.pending], [true, 0]);
  });

  it('has half a minute to be started, and is killed if it is later', async () => {
    const clock = createFakeClock();
    const { probe, killed } = process(clock);
    const begun = Promise.withResolvers<RunningProbe>();
    const result = runProbe(clock, plan, () => begun.promise, never);
    await clock.advance(30_000);
    assert.match((await result).output, /timed out starting/);
    begun.resolve(probe);
    await clock.advance(0);
    assert.equal(killed(), true);
    const refused = await runProbe(clock, plan, () => Promise.reject(new Error('no such program')), never);
    assert.deepEqual([refused.exitCode, refused.output], [-1, 'no such program']);
  });
});
