import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { openFilesystem } from './filesystem.ts';
import { firstNames, inOrder, usuallyHeld } from './name-order.ts';

/** The same names each time, in an order of no use. */
const shuffled = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `app-${(index * 7919) % count}`);

test('of a hundred thousand names no more are held than twice those that are given at once', () => {
  const first = firstNames('app-5', 1000);
  let held = 0;
  const all = shuffled(100_000);
  for (const name of all) {
    first.add(name);
    held = Math.max(held, first.size);
  }
  assert.ok(held <= 2000, `${held} were held`);
  const { names, more } = first.take();
  const sorted = all.filter((name) => name > 'app-5').sort();
  assert.deepEqual([names, more], [sorted.slice(0, 1000), true]);
});

test('all names come in order and once, by as many readings as it takes', async () => {
  const all = [...shuffled(1000), ...shuffled(10)];
  let readings = 0;
  const list = async function* () {
    readings += 1;
    yield* all;
  };
  assert.deepEqual(await Array.fromAsync(inOrder(list, undefined, 100)), [...new Set(all)].sort());
  assert.equal(readings, 10);
  assert.deepEqual(await Array.fromAsync(inOrder(list, 'app-99', 100)), [
    'app-990',
    ...Array.from({ length: 9 }, (_, index) => `app-99${index + 1}`),
  ]);
  assert.deepEqual(await Array.fromAsync(inOrder(list, 'b', 100)), []);
});

test('a folder of more names than are held is listed whole, and from any name on', async () => {
  const rootdirectory = fs.mkdtempSync(path.join(os.tmpdir(), 'names-'));
  try {
    const names = shuffled(usuallyHeld + 100);
    fs.mkdirSync(path.join(rootdirectory, 'many'));
    for (const name of names) fs.closeSync(fs.openSync(path.join(rootdirectory, 'many', name), 'w'));
    const storage = openFilesystem({ rootdirectory });
    const sorted = names.sort();
    assert.deepEqual(await Array.fromAsync(storage.list('/many')), sorted);
    assert.deepEqual(await Array.fromAsync(storage.list('/many', sorted[100])), sorted.slice(101));
  } finally {
    fs.rmSync(rootdirectory, { recursive: true });
  }
});
