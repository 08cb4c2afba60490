import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLockTable } from './lock.ts';

describe('the lock table', () => {
  it('serves waiters of one key in the order they came', async () => {
    const locks = createLockTable();
    const order: number[] = [];
    const gate = Promise.withResolvers<void>();
    const first = locks.with('container', 'a', async () => {
      await gate.promise;
      order.push(1);
    });
    const second = locks.with('container', 'a', async () => void order.push(2));
    const other = locks.with('container', 'b', async () => void order.push(0));
    await other;
    gate.resolve();
    await Promise.all([first, second]);
    assert.deepEqual(order, [0, 1, 2]);
  });

  it('lets the next one in when the work throws', async () => {
    const locks = createLockTable();
    await assert.rejects(locks.with('image', 'x', () => Promise.reject(new Error('no'))));
    assert.equal(await locks.with('image', 'x', async () => 'in'), 'in');
  });

  it('refuses to take a lock out of order', async () => {
    const locks = createLockTable();
    const work = () => locks.with('network', 'n', async () => {}, ['container']);
    await assert.rejects(work, /lock order: network asked for while container is held/);
    await locks.with('network', 'n', () => locks.with('container', 'c', async () => {}, ['network']));
  });
});
