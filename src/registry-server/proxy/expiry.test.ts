import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { notFound } from '../../base/errors.ts';
import { createFakeClock } from '../../base/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import { openFilesystem } from '../storage/drivers/filesystem.ts';
import { createExpiry } from './expiry.ts';

const hour = 3_600_000;

/** Expiries over one folder, with a time of day that goes with their clock. */
function startRig() {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-expiry-'));
  const storage = openFilesystem({ rootdirectory: folder });
  const clock = createFakeClock();
  const removed: string[] = [];
  let freed = 0;
  const open = () =>
    createExpiry({
      ...{ storage, clock, log: silentLogger },
      now: () => Date.UTC(2026, 0, 1) + clock.now(),
      ttlOf: (name) => (name.startsWith('own/') ? undefined : 10 * hour),
      async remove(kind, name, digest) {
        if (digest === 'sha256:gone') throw notFound('it is gone');
        removed.push(`${kind} ${name}@${digest}`);
      },
      async removed() {
        freed += 1;
      },
    });
  return {
    ...{ folder, clock, removed, open },
    freed: () => freed,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

test('what is not used for its time is removed, and what is used stays', async () => {
  using rig = startRig();
  const expiry = rig.open();
  await expiry.start();
  expiry.used('blob', 'a', 'sha256:1');
  expiry.used('manifest', 'a', 'sha256:2');
  expiry.used('blob', 'own/a', 'sha256:3');
  expiry.used('blob', 'a', 'sha256:gone');
  await rig.clock.advance(9 * hour);
  expiry.used('manifest', 'a', 'sha256:2');
  await rig.clock.advance(2 * hour);
  await expiry.sweep();
  assert.deepEqual(rig.removed, ['blob a@sha256:1']);
  assert.equal(rig.freed(), 1);
  await rig.clock.advance(9 * hour);
  await expiry.sweep();
  assert.deepEqual(rig.removed, ['blob a@sha256:1', 'manifest a@sha256:2']);
  await expiry.close();
  assert.equal(rig.clock.pending, 0);
});

test('times outlive the server, and the latest use of any server counts', async () => {
  using rig = startRig();
  const [one, two] = [rig.open(), rig.open()];
  one.used('blob', 'a', 'sha256:1');
  await one.close();
  await two.start();
  await rig.clock.advance(5 * hour);
  two.used('blob', 'a', 'sha256:1');
  await two.close();
  await rig.clock.advance(6 * hour);
  await one.sweep();
  assert.deepEqual(rig.removed, []);
  const state = JSON.parse(readFileSync(path.join(rig.folder, 'scheduler-state.json'), 'utf8')) as object;
  assert.deepEqual(state, {
    'a@sha256:1': { Key: 'a@sha256:1', ExpiryData: '2026-01-01T15:00:00.000Z', EntryType: 0 },
  });
  await rig.clock.advance(5 * hour);
  await one.sweep();
  assert.deepEqual(rig.removed, ['blob a@sha256:1']);
  await one.close();
});

test('what is found counts as used now only if nothing is known of it', async () => {
  using rig = startRig();
  const expiry = rig.open();
  expiry.used('blob', 'a', 'sha256:1');
  await rig.clock.advance(6 * hour);
  expiry.found('blob', 'a', 'sha256:1');
  expiry.found('blob', 'a', 'sha256:2');
  await rig.clock.advance(5 * hour);
  await expiry.sweep();
  assert.deepEqual(rig.removed, ['blob a@sha256:1']);
  await expiry.close();
});
