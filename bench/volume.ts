import { mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { runChecked } from '../src/base/process.ts';

/**
 * A fresh ext4 file system in a file, mounted for the run: creating files on a machine's root disk can cost
 * ten times what it costs here, and that would be measured instead of the engines.
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
  return {
    mountPoint,
    async remove() {
      await runChecked('umount', ['-R', mountPoint]);
      rmSync(image);
    },
  };
}
