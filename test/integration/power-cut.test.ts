import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { describe, it } from 'node:test';
import { runChecked } from '../../src/base/process.ts';
import { startEngine, starterImage, type TestEngine } from '../helpers/engine.ts';

// What a copy of a block device shows is what is on the disk: what the file system has in memory is not in it. An engine
// that is started on such a copy is one after a power cut.

describe('an engine whose power was cut moments after an image came', () => {
  it('has the image whole, or takes it again', () => cutPowerAfter('nothing'));
  // the worst case: the disk has what the state says, and not yet the files that it speaks of
  it('has it whole or takes it again when only the state came to the disk', () => cutPowerAfter('state'));
  it('has it when all came to the disk', () => cutPowerAfter('all'));
});

async function cutPowerAfter(synced: 'nothing' | 'state' | 'all'): Promise<void> {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'tug-power-'));
  const disk = path.join(scratch, 'disk.ext4');
  const copy = path.join(scratch, 'copy.ext4');
  try {
    await runChecked('truncate', ['-s', '256M', disk]);
    await using engine = await startEngine();
    await engine.stop();
    await runChecked('mkfs.ext4', ['-q', '-F', '-d', engine.dataRoot, disk]);
    await using mounts = new AsyncDisposableStack();
    await mountData(engine, disk, mounts);
    await engine.restart(synced === 'all' ? {} : { TUG_CRASH_AT: 'image.settle.due' });
    await runChecked('sync', ['-f', engine.dataRoot]);
    await takeImage(engine, synced);
    if (synced === 'state') fsync(path.join(engine.dataRoot, 'state.db-wal'));
    if (synced === 'all') await runChecked('sync', ['-f', engine.dataRoot]);
    await runChecked('cp', ['--sparse=always', disk, copy]);
    await engine.kill();
    await mounts.disposeAsync();

    await using after = new AsyncDisposableStack();
    await mountData(engine, copy, after);
    fs.rmSync(path.join(engine.execRoot, 'session')); // a boot empties the exec root
    await engine.restart({ TUG_CRASH_AT: undefined });
    const known = (await engine.tug(['images', '-q'])).stdout !== '';
    if (synced === 'all') assert.ok(known);
    if (synced === 'state') assert.match(engine.log(), /the power was cut before images were on the disk/);
    if (!known) await starterImage(engine);
    const ran = await engine.tug(['run', '--rm', '--network', 'none', 'busybox', 'sh', '-c', 'ls /bin | wc -l']);
    assert.ok(Number(ran.stdout) > 100, ran.stderr || ran.stdout);
    await engine.stop();
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** Where not all is to come to the disk, the engine ends before it syncs: when it has the image, or at the latest then. */
async function takeImage(engine: TestEngine, synced: string): Promise<void> {
  if (synced === 'all') await starterImage(engine);
  else await Promise.all([starterImage(engine).catch(() => {}), engine.ended]);
}

async function mountData(engine: TestEngine, disk: string, mounts: AsyncDisposableStack): Promise<void> {
  await runChecked('mount', ['-o', 'loop', disk, engine.dataRoot]);
  mounts.defer(async () => void (await runChecked('umount', ['-l', engine.dataRoot])));
}

function fsync(file: string): void {
  const fd = fs.openSync(file, 'r+');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
