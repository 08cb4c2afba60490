import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../base/fake-clock.ts';
import { silentLogger } from '../base/log.ts';
import { createEventBus } from '../events/bus.ts';
import { memoryHistory } from '../events/memory-history.ts';
import type { CgroupDriver, CgroupStats } from '../host/cgroup/contract.ts';
import { type ContainerRecord, initialState } from './record.ts';
import { createSamples } from './samples.ts';
import type { Sample } from './stats-frame.ts';

const use = (total: number): CgroupStats => ({
  cpu: { total, user: 0, system: 0, perCpu: undefined, periods: 0, throttledPeriods: 0, throttledTime: 0 },
  memory: { usage: 1, peak: undefined, limit: 0, failures: 0, details: { limit: 0x7fff_ffff_ffff_f000 } },
  pids: { current: 1, limit: undefined },
  blkio: { bytes: [], operations: undefined },
});

/** Samples of one running container whose control group counts how often it is read. */
function rig() {
  const clock = createFakeClock();
  const events = createEventBus(memoryHistory());
  const counts = { samples: 0, open: 0 };
  const sampler = () => {
    counts.open += 1;
    return {
      sample: () => {
        counts.samples += 1;
        return use(counts.samples);
      },
      [Symbol.dispose]: () => {
        counts.open -= 1;
      },
    };
  };
  const cgroups = { sampler } as unknown as CgroupDriver;
  const networks = { sandboxOf: () => undefined };
  const samples = createSamples({ clock, events, cgroups, networks, log: silentLogger, groupOf: () => '/g' });
  const state = { ...initialState, status: 'running' };
  const record = { id: 'one', name: 'one', state } as ContainerRecord;
  const listen = () => {
    const heard: Sample[] = [];
    let ended = 0;
    const listener = {
      sample: (sample: Sample) => heard.push(sample),
      end: () => {
        ended += 1;
      },
    };
    const listening = samples.listen(record, listener);
    return { heard, ended: () => ended, stop: () => listening[Symbol.dispose]() };
  };
  return { clock, events, counts, samples, record, listen };
}

describe('samples', () => {
  it('are taken once a second for all who listen, and not at all when nobody does', async () => {
    const { clock, counts, listen } = rig();
    const first = listen();
    assert.equal(first.heard.length, 1);
    await clock.advance(1500);
    const second = listen();
    assert.deepEqual(second.heard, first.heard.slice(-1));
    await clock.advance(2000);
    assert.deepEqual([first.heard.length, second.heard.length, counts.samples], [4, 3, 4]);
    first.stop();
    await clock.advance(1000);
    assert.equal(counts.samples, 5);
    second.stop();
    second.stop();
    await clock.advance(5000);
    assert.deepEqual([counts.samples, counts.open, clock.pending], [5, 0, 0]);
  });

  it('let the files go when the container dies, and open them again for its next run', async () => {
    const { clock, events, counts, record, listen } = rig();
    const { heard, stop } = listen();
    record.state = { ...record.state, status: 'exited' };
    events.publish('container', 'die', 'one');
    assert.equal(counts.open, 0);
    await clock.advance(1000);
    assert.deepEqual([heard.at(-1)?.read, heard.at(-1)?.pids_stats], ['0001-01-01T00:00:00Z', {}]);
    record.state = { ...record.state, status: 'running' };
    await clock.advance(1000);
    assert.deepEqual([heard.at(-1)?.pids_stats, counts.open], [{ current: 1 }, 1]);
    stop();
    assert.equal(counts.open, 0);
  });

  it('end with the removal of the container, and with the engine', () => {
    const { events, samples, counts, listen } = rig();
    const removed = listen();
    events.publish('container', 'destroy', 'one');
    assert.deepEqual([removed.ended(), counts.open], [1, 0]);
    const left = listen();
    samples[Symbol.dispose]();
    left.stop();
    assert.deepEqual([removed.ended(), left.ended(), counts.open], [1, 1, 0]);
  });

  it('say numbers beyond 2^53 digit for digit', () => {
    const { heard, stop } = (({ listen }) => listen())(rig());
    assert.match(JSON.stringify(heard[0]?.memory_stats), /"limit":9223372036854771712/);
    stop();
  });
});
