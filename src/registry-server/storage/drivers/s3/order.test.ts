import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byName, firstOf } from './order.ts';

async function* each<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

test('names come in their own order, whatever stands behind them in a key', async () => {
  const names = [
    'a',
    'a-b',
    'a-b.c',
    'a.b',
    'a0',
    'a0-x',
    'ab',
    'b',
    'b-1',
    'b.1',
    '.hidden',
    '-',
    'v1',
    'v1.10',
    'v1.9',
  ];
  const byKey = [...names].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1));
  assert.notDeepEqual(byKey, [...names].sort());
  assert.deepEqual(await Array.fromAsync(byName(() => each(byKey), undefined)), [...names].sort());
});

test('a name that is a file and a folder is given once', async () => {
  assert.deepEqual(await Array.fromAsync(byName(() => each(['a', 'a-b', 'a']), undefined)), ['a', 'a-b']);
});

test('the first part of a name ends before what sorts before a slash', () => {
  assert.deepEqual(['v1.2-3', 'plain', '-x', 'a_b'].map(firstOf), ['v1', 'plain', '', 'a_b']);
});

test('more names that begin alike than may be held are listed again', async () => {
  const names = ['a', ...Array.from({ length: 50 }, (_, index) => `app-${index}`), 'app', 'b', 'b.1', 'c'];
  const byKey = [...names].sort((a, b) => (`${a}/` < `${b}/` ? -1 : 1));
  let listings = 0;
  const list = (from: string | undefined): AsyncIterable<string> => {
    listings += 1;
    return each(byKey.filter((name) => from === undefined || `${name}/` > firstOf(from)));
  };
  assert.deepEqual(await Array.fromAsync(byName(list, undefined, 8)), [...names].sort());
  assert.equal(listings, 7);
  const late = [...names].sort().filter((name) => name > 'app-30');
  assert.deepEqual(await Array.fromAsync(byName(list, 'app-30', 8)), late);
});
