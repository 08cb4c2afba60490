import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TugError } from '../base/errors.ts';
import { delayAfter, retrying } from './retry.ts';

const policy = { attempts: 4, firstDelay: 100, longestDelay: 1000 };
const quick = { attempts: 3, firstDelay: 0, longestDelay: 5 };
const cut = new TugError('unavailable', 'cut', { code: 'connection-cut' });
const busy = (retryAfter: number) =>
  new TugError('unavailable', 'busy', { code: 'registry-busy', details: { retryAfter } });
const never = new AbortController().signal;

test('waits longer each time, half of it by chance, up to the bound', () => {
  assert.equal(
    delayAfter(cut, 1, policy, () => 0),
    50,
  );
  assert.equal(
    delayAfter(cut, 1, policy, () => 1),
    100,
  );
  assert.equal(
    delayAfter(cut, 3, policy, () => 1),
    400,
  );
  assert.equal(
    delayAfter(cut, 4, policy, () => 1),
    undefined,
  );
  assert.equal(
    delayAfter(cut, 9, { ...policy, attempts: 20 }, () => 1),
    1000,
  );
});

test('obeys Retry-After, and gives up when it is over the bound', () => {
  assert.equal(
    delayAfter(busy(1), 1, policy, () => 0),
    1000,
  );
  assert.equal(
    delayAfter(busy(2), 1, policy, () => 0),
    undefined,
  );
});

test('tries again only what may pass', async () => {
  let tries = 0;
  const work = (error: TugError) => async () => {
    tries += 1;
    throw error;
  };
  await assert.rejects(retrying(work(cut), quick, never), cut);
  assert.equal(tries, 3);
  tries = 0;
  const refused = new TugError('unavailable', 'refused', { code: 'registry-refused' });
  await assert.rejects(retrying(work(refused), quick, never), refused);
  assert.equal(tries, 1);
});

test('gives the result of the try that succeeds', async () => {
  let tries = 0;
  const result = await retrying(
    async () => {
      tries += 1;
      if (tries < 3) throw cut;
      return 'done';
    },
    quick,
    never,
  );
  assert.equal(result, 'done');
});

test('ends a wait when the signal fires', async () => {
  const controller = new AbortController();
  const slow = { attempts: 3, firstDelay: 3_600_000, longestDelay: 3_600_000 };
  const waiting = retrying(
    async () => {
      queueMicrotask(() => controller.abort());
      throw cut;
    },
    slow,
    controller.signal,
  );
  await assert.rejects(waiting, { kind: 'cancelled' });
});
