import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openAll } from './open-all.ts';
import { until } from './until.ts';

it('opens all, and closes what it opened when one cannot be', async () => {
  const closed: string[] = [];
  const open = async (name: string) => ({ name, [Symbol.asyncDispose]: async () => void closed.push(name) });
  const openNow = async (name: string) => ({ name, [Symbol.dispose]: () => void closed.push(name) });
  const [one, two, none] = await openAll(open('one'), openNow('two'), Promise.resolve(undefined));
  assert.deepEqual([one.name, two.name, none, closed], ['one', 'two', undefined, []]);
  const later = new Promise<never>((_, reject) => setImmediate(() => reject(new Error('not today'))));
  await assert.rejects(openAll(open('a'), later, openNow('b'), Promise.resolve(undefined)), /not today/);
  assert.deepEqual(closed.sort(), ['a', 'b']);
});

it('waits until there is something, and says what for when it does not come', async () => {
  let looks = 0;
  assert.equal(await until(async () => (++looks > 2 ? 0 : undefined), 'a third look'), 0);
  assert.equal(looks, 3);
  await assert.rejects(
    until(
      () => false,
      () => 'what never comes',
      1,
    ),
    /waited 1 ms for what never comes/,
  );
});
