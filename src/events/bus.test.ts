import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EventMessage } from '../api/types/event.ts';
import { createEventBus } from './bus.ts';
import { memoryHistory } from './memory-history.ts';

describe('the event bus', () => {
  it('hands events to who listens, and no more after', () => {
    const bus = createEventBus(memoryHistory());
    const heard: string[] = [];
    const subscription = bus.subscribe(({ Action }) => void heard.push(Action));
    bus.publish('container', 'start', 'a');
    subscription[Symbol.dispose]();
    bus.publish('container', 'die', 'a');
    assert.deepEqual(heard, ['start']);
  });

  it('drops a listener that throws, and serves the others', () => {
    const bus = createEventBus(memoryHistory());
    const heard: string[] = [];
    let calls = 0;
    bus.subscribe(() => {
      calls += 1;
      throw new Error('no');
    });
    bus.subscribe(({ Action }) => void heard.push(Action));
    bus.publish('image', 'pull', 'a');
    bus.publish('image', 'tag', 'a');
    assert.deepEqual([calls, heard], [1, ['pull', 'tag']]);
  });

  it('gives events an order that their times have too, though the clock stands still', async () => {
    const bus = createEventBus(memoryHistory(), () => 5_000_000_000n);
    for (let at = 0; at < 300; at += 1) bus.publish('container', String(at), 'a');
    const past = await Array.fromAsync(bus.past(0n, 1n << 62n));
    assert.deepEqual([past.length, past[0]?.Action, past.at(-1)?.Action], [300, '0', '299']);
    const times = past.map(({ timeNano }: EventMessage) => timeNano);
    assert.ok(times.every((time, at) => at === 0 || time > (times[at - 1] ?? 0)));
    assert.equal(past[0]?.time, 5);
  });

  it('selects by time', async () => {
    let now = 1_000n;
    const bus = createEventBus(memoryHistory(), () => now);
    for (now of [1_000n, 2_000_000n, 3_000_000n]) bus.publish('container', String(now), 'a');
    assert.deepEqual(
      (await Array.fromAsync(bus.past(2_000_000n, 2_500_000n))).map(({ Action }) => Action),
      ['2000000'],
    );
  });
});
