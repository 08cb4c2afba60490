import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atMostEvery, progressBar } from './pull-progress.ts';

test('draws Docker’s bar', () => {
  assert.equal(progressBar(0, 2000), `[>${' '.repeat(50)}]       0B/2kB`);
  assert.equal(progressBar(1_234_567, 2_469_134), `[${'='.repeat(25)}>${' '.repeat(25)}]  1.235MB/2.469MB`);
  assert.equal(progressBar(3, 3), `[${'='.repeat(50)}>]       3B/3B`);
  assert.equal(progressBar(4, 3), `[${'='.repeat(50)}>] 4B`);
  assert.equal(progressBar(0, 0), `[>${' '.repeat(50)}]       0B/0B`);
});

test('lets a call through at most once in a while', () => {
  let now = 0;
  const due = atMostEvery(100, () => now);
  const seen = [0, 50, 99, 100, 150, 200, 1000].map((time) => {
    now = time;
    return due();
  });
  assert.deepEqual(seen, [true, false, false, true, false, true, true]);
});
