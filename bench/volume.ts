import { mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { run, runChecked } from '../src/base/process.ts';

/**
 * A fresh ext4 file system in a file, mounted for the run: creating files on a machine's root disk can cost
 * ten times what it costs here, and that would be measured instead of the engines. The loop device reads and writes
 * the file directly, as a disk would: otherwise the kernel copies and keeps every page a second time on the same cores.
 */
export async function makeVolume(
  folder: string,
  size = '20G',
): Promise<{ mountPoint: string; remove(): Promise<void> }> {
  const image = path.join(folder, 'bench.ext4');
  const mountPoint = path.join(folder, 'data');
  mkdirSync(mountPoint, { recursive: true });
  await runChecked('truncate', ['-s', size, image]);
  await runChecked('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
  await runChecked('mount', ['-o', 'loop', image, mountPoint]);
  const remove = async (): Promise<void> => {
    const { code, stderr } = await run('umount', ['-R', mountPoint]);
    // what holds it was to be gone by now: the mount is not left, and the device goes with its last user
    if (code !== 0) await runChecked('umount', ['-R', '-l', mountPoint]);
    rmSync(image);
    if (code !== 0) throw new Error(stderr.trim());
  };
  try {
    await bypassPageCache(mountPoint);
  } catch (error) {
    await remove();
    throw error;
  }
  return { mountPoint, remove };
}

/** Leaves the device as it is, and says so, where the file system below cannot do direct I/O (tmpfs). */
async function bypassPageCache(mountPoint: string): Promise<void> {
  const device = await runChecked('findmnt', ['-no', 'SOURCE', mountPoint]);
  const { code, stderr } = await run('losetup', ['--direct-io=on', device.trim()]);
  if (code !== 0) console.error(`The loop device goes through the page cache: ${stderr.trim()}`);
}
