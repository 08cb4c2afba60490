import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as net from 'node:net';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '../../base/fake-clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createTransport } from '../../registry-client/transport.ts';
import { healthSection } from '../config/health.ts';
import { openFilesystem } from '../storage/drivers/filesystem.ts';
import { checksOf } from './checks.ts';
import { watchHealth } from './health.ts';

test('a check counts as failed after so many looks in a row, and as well after one', async () => {
  const clock = createFakeClock();
  let sick = true;
  const look = async (): Promise<void> => {
    if (sick) throw new Error('it is sick');
  };
  const check = { name: 'one', interval: 1000, threshold: 3, look };
  await using health = watchHealth([check], { clock, log: silentLogger });
  await clock.advance(1500);
  assert.deepEqual(health.failures(), {});
  await clock.advance(1000);
  assert.deepEqual(health.failures(), { one: 'it is sick' });
  sick = false;
  await clock.advance(1000);
  assert.deepEqual(health.failures(), {});
});

test('storage, files and ports are looked at', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tug-health-'));
  using transport = createTransport();
  const server = net.createServer((socket) => socket.destroy());
  try {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const storage = openFilesystem({ rootdirectory: path.join(folder, 'not/yet') });
    const addr = `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
    const file = path.join(folder, 'down');
    const section = { file: [{ file }], tcp: [{ addr }], storagedriver: { minfree: '1k' } };
    const outcomes = async (more: object = {}): Promise<(string | undefined)[]> => {
      const checks = checksOf(healthSection.parse({ ...section, ...more }), storage, transport);
      const looks = await Promise.allSettled(checks.map(({ look }) => look()));
      return looks.map((look) => (look.status === 'rejected' ? String(look.reason.message) : undefined));
    };
    assert.deepEqual(await outcomes(), [undefined, undefined, undefined]);
    writeFileSync(file, '');
    server.close();
    const [space, present, refused] = await outcomes({ storagedriver: { minfree: '900t' } });
    assert.match(space ?? '', /^only \d+ bytes are free/);
    assert.equal(present, 'the file is there');
    assert.match(refused ?? '', /ECONNREFUSED/);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
