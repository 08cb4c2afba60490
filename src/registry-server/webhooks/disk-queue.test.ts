import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { silentLogger } from '../../base/log.ts';
import { openDiskQueue } from './disk-queue.ts';
import { createMemoryQueue, type EventQueue } from './queue.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'tug-queue-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (number: number): string => JSON.stringify({ number });
const numbers = (lines: readonly string[]): number[] =>
  lines.map((text) => (JSON.parse(text) as { number: number }).number);

/** Takes all that waits, `most` at a time. */
async function drain(queue: EventQueue, most: number): Promise<number[]> {
  const all: number[] = [];
  for (;;) {
    const lines = await queue.read(most);
    if (lines.length === 0) return all;
    all.push(...numbers(lines));
    await queue.taken();
  }
}

const kinds: Record<string, () => EventQueue> = {
  memory: () => createMemoryQueue(),
  disk: () => openDiskQueue(folder, { segmentSize: 100, log: silentLogger }),
};
for (const [kind, open] of Object.entries(kinds)) {
  test(`a ${kind} queue gives lines in their order, each until it is taken`, async () => {
    const queue = open();
    for (let number = 0; number < 40; number += 1) queue.append(line(number));
    assert.equal(queue.pending, 40);
    assert.deepEqual(numbers(await queue.read(3)), [0, 1, 2]);
    assert.deepEqual(numbers(await queue.read(2)), [0, 1]);
    await queue.taken();
    assert.equal(queue.pending, 38);
    assert.deepEqual(
      await drain(queue, 7),
      Array.from({ length: 38 }, (_, index) => index + 2),
    );
    queue.append(line(99));
    assert.deepEqual(await drain(queue, 7), [99]);
    assert.equal(queue.pending, 0);
    assert.equal(queue.dropped, 0);
    queue.close();
  });
}

test('a disk queue goes on where the one before it was', async () => {
  const first = kinds['disk']!();
  for (let number = 0; number < 20; number += 1) first.append(line(number));
  await first.read(5);
  await first.taken();
  await first.read(5); // and is killed before these are taken
  const second = kinds['disk']!();
  assert.equal(second.pending, 15);
  second.append(line(20));
  assert.deepEqual(
    await drain(second, 4),
    Array.from({ length: 16 }, (_, index) => index + 5),
  );
  first.close();
  second.close();
  const third = kinds['disk']!();
  assert.equal(third.pending, 0);
  third.append(line(21));
  assert.deepEqual(await drain(third, 4), [21]);
  third.close();
});

test('files of a disk queue go when all in them was taken', async () => {
  const queue = kinds['disk']!();
  for (let number = 0; number < 100; number += 1) queue.append(line(number));
  assert.ok(readdirSync(folder).length > 5);
  await drain(queue, 50);
  assert.equal(readdirSync(folder).filter((name) => name.endsWith('.jsonl')).length, 1);
  queue.close();
});

test('a full disk queue drops the oldest and counts them', async () => {
  const queue = openDiskQueue(folder, { segmentSize: 100, limit: 500, log: silentLogger });
  for (let number = 0; number < 100; number += 1) queue.append(line(number));
  const left = await drain(queue, 50);
  assert.ok(left.length > 20 && left.length < 50, `${left.length} left`);
  assert.deepEqual(
    left,
    Array.from({ length: left.length }, (_, index) => 100 - left.length + index),
  );
  assert.equal(queue.dropped, 100 - left.length);
  queue.close();
});

test('a full memory queue drops the oldest, also of what is being delivered', async () => {
  const queue = createMemoryQueue(3);
  for (const number of [1, 2, 3]) queue.append(line(number));
  await queue.read(2);
  queue.append(line(4)); // 1 goes, of which a delivery is on its way
  await queue.taken();
  assert.deepEqual(await drain(queue, 5), [3, 4]);
  assert.equal(queue.dropped, 1);
});

test('a line that a full disk cut off is passed over', async () => {
  const first = kinds['disk']!();
  first.append(line(1));
  first.close();
  const file = readdirSync(folder).find((name) => name.endsWith('.jsonl')) ?? '';
  appendFileSync(path.join(folder, file), '{"number":');
  const second = kinds['disk']!();
  second.append(line(2));
  assert.deepEqual(await drain(second, 5), [1, 2]);
  second.close();
});

test('a line longer than what is read at once is read whole', async () => {
  const queue = openDiskQueue(folder, { log: silentLogger });
  const long = JSON.stringify({ number: 1, text: 'x'.repeat(600_000) });
  queue.append(long);
  queue.append(line(2));
  assert.deepEqual(await drain(queue, 5), [1, 2]);
  queue.close();
});
