import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { forEachLimited, inOrder, reversed } from './graph.ts';

const needs = (name: string): string[] => ({ web: ['db', 'cache'], db: [], cache: [], worker: ['db'] })[name] ?? [];
const names = ['web', 'db', 'cache', 'worker'];

describe('work in order', () => {
  it('begins what needs nothing at once, and the rest after what it needs', async () => {
    const said: string[] = [];
    await inOrder(names, needs, async (name) => {
      said.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      said.push(`${name} ends`);
    });
    assert.deepEqual(said.slice(0, 2), ['db begins', 'cache begins']);
    assert.ok(said.indexOf('web begins') > said.indexOf('cache ends'));
    assert.ok(said.indexOf('worker begins') > said.indexOf('db ends'));
  });

  it('goes the other way with the needs reversed', async () => {
    const said: string[] = [];
    await inOrder(names, reversed(names, needs), async (name) => void said.push(name));
    assert.ok(said.indexOf('db') > said.indexOf('web'));
    assert.ok(said.indexOf('db') > said.indexOf('worker'));
  });

  it('begins nothing after a failure, waits for what runs, and throws the first', async () => {
    const said: string[] = [];
    const work = async (name: string): Promise<void> => {
      said.push(name);
      if (name === 'db') throw new Error('db failed');
      await new Promise((resolve) => setImmediate(resolve));
      said.push(`${name} ended`);
    };
    await assert.rejects(inOrder(names, needs, work), /db failed/);
    assert.deepEqual(said, ['db', 'cache', 'cache ended']);
  });

  it('keeps to a limit', async () => {
    let running = 0;
    let most = 0;
    await forEachLimited(
      [1, 2, 3, 4, 5],
      async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
      },
      { limit: 2 },
    );
    assert.equal(most, 2);
  });

  it('begins nothing once the user has given up', async () => {
    const controller = new AbortController();
    const said: string[] = [];
    const work = async (name: string): Promise<void> => {
      said.push(name);
      controller.abort();
    };
    await assert.rejects(
      inOrder(['a', 'b'], (name) => (name === 'b' ? ['a'] : []), work, { signal: controller.signal }),
      {
        kind: 'cancelled',
      },
    );
    assert.deepEqual(said, ['a']);
  });
});
