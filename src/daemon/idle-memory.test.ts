import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ownHeap, trimWhenIdle } from './idle-memory.ts';

const mebibyte = 1024 * 1024;

/** A heap of which a test says how large it is. */
function fakeHeap(size: number) {
  let listener = (): void => {};
  const heap = {
    bytes: size,
    trims: 0,
    waiting: false,
    busy: () => heap.waiting,
    size: () => heap.bytes,
    trim() {
      heap.trims += 1;
      heap.bytes = 30 * mebibyte;
    },
    onCollection(given: () => void): Disposable {
      listener = given;
      return { [Symbol.dispose]() {} };
    },
    collect: () => listener(),
  };
  return heap;
}

it('gives memory back once nothing has been collected for a while, and again when enough has come', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const heap = fakeHeap(60 * mebibyte);
  using _trimming = trimWhenIdle(heap, 1000);
  t.mock.timers.tick(900);
  heap.collect(); // there is work
  t.mock.timers.tick(900);
  assert.equal(heap.trims, 0);
  t.mock.timers.tick(100);
  assert.equal(heap.trims, 1);

  heap.bytes = 33 * mebibyte;
  heap.collect();
  t.mock.timers.tick(1000);
  assert.equal(heap.trims, 1, 'for 3 MiB no pause is made');

  heap.bytes = 34 * mebibyte;
  heap.collect();
  heap.waiting = true;
  t.mock.timers.tick(1000);
  assert.equal(heap.trims, 1, 'on a busy machine it would be a long pause');
  heap.waiting = false;
  t.mock.timers.tick(1000);
  assert.equal(heap.trims, 2);
});

it('makes the heap of a process smaller', () => {
  let held: unknown[] | undefined = Array.from({ length: 400_000 }, (_, index) => ({ index, text: [`${index}`] }));
  const before = ownHeap.size();
  assert.equal(held.length, 400_000);
  held = undefined;
  ownHeap.trim();
  assert.ok(ownHeap.size() < before - 10 * mebibyte);
});

it('counts buffers to the heap', () => {
  const before = ownHeap.size();
  const held = Buffer.alloc(20 * mebibyte);
  assert.ok(ownHeap.size() >= before + held.length);
});
