import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from './clock.ts';
import { createFakeClock } from './fake-clock.ts';

describe('the system clock', () => {
  it('runs a timer when it is due, and none that was called off', async () => {
    const fired: string[] = [];
    const began = systemClock.now();
    systemClock.setTimer(5, () => fired.push('called off'))[Symbol.dispose]();
    systemClock.setTimer(2 ** 40, () => fired.push('in 34 years'));
    const alive = setInterval(() => {}, 1000); // the timers of the clock do not keep the process alive
    await new Promise<void>((resolve) => {
      systemClock.setTimer(10, resolve);
    });
    clearInterval(alive);
    assert.deepEqual(fired, []);
    assert.ok(systemClock.now() - began >= 9);
  });
});

describe('the fake clock', () => {
  it('runs timers in the order they fall due, those set on the way too', async () => {
    const clock = createFakeClock();
    const fired: [string, number][] = [];
    clock.setTimer(30, () => fired.push(['late', clock.now()]));
    clock.setTimer(10, () => {
      fired.push(['early', clock.now()]);
      clock.setTimer(5, () => fired.push(['between', clock.now()]));
    });
    await clock.advance(20);
    assert.equal(clock.pending, 1);
    await clock.advance(20);
    assert.deepEqual(fired, [
      ['early', 10],
      ['between', 15],
      ['late', 30],
    ]);
  });
});
