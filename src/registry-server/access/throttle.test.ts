import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createFakeClock } from '../../base/fake-clock.ts';
import { createThrottle } from './throttle.ts';

describe('the throttle', () => {
  const start = (limit?: number) => {
    const clock = createFakeClock();
    const throttle = createThrottle({ clock, attempts: 3, window: 30_000, ...(limit ? { limit } : {}) });
    return { clock, throttle, wait: (...keys: string[]) => throttle.attempt(keys).wait };
  };

  it('lets so many fail at once and then one for each part of the window', async () => {
    const { clock, wait } = start();
    assert.deepEqual([wait('a'), wait('a'), wait('a'), wait('a')], [0, 0, 0, 10_000]);
    await clock.advance(9_999);
    assert.equal(wait('a'), 1);
    await clock.advance(1);
    assert.deepEqual([wait('a'), wait('a')], [0, 10_000]);
    await clock.advance(30_000);
    assert.deepEqual([wait('a'), wait('a'), wait('a'), wait('a')], [0, 0, 0, 10_000]);
  });

  it('does not count what succeeded', () => {
    const { throttle, wait } = start();
    for (let time = 0; time < 10; time++) {
      const attempt = throttle.attempt(['a']);
      assert.ok('succeeded' in attempt);
      attempt.succeeded();
    }
    assert.deepEqual([wait('a'), wait('a'), wait('a'), wait('a')], [0, 0, 0, 10_000]);
  });

  it('counts user and address apart, and holds off who is held off by one of them', () => {
    const { wait } = start();
    for (const user of ['u1', 'u2', 'u3']) assert.equal(wait(user, 'address'), 0);
    assert.equal(wait('u4', 'address'), 10_000);
    assert.equal(wait('u4', 'another'), 0);
    assert.equal(wait('u1', 'another'), 0);
  });

  it('counts attempts that have not ended yet', () => {
    const { throttle } = start();
    const attempts = Array.from({ length: 100 }, () => throttle.attempt(['a']));
    assert.equal(attempts.filter(({ wait }) => wait === 0).length, 3);
  });

  it('forgets first who failed longest ago', () => {
    const { wait } = start(2);
    for (let time = 0; time < 3; time++) wait('old');
    for (let time = 0; time < 3; time++) wait('new');
    wait('newest');
    assert.equal(wait('new'), 10_000);
    assert.equal(wait('old'), 0);
  });
});
