import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from '../../src/base/errors.ts';
import { runChecked } from '../../src/base/process.ts';
import type { TestEngine } from './engine.ts';
import type { SmallDisk } from './small-disk.ts';

/** Moves an engine's data root, with what is in it, to a disk. It is unmounted with the engine, before the disk is. */
export async function moveToDisk(engine: TestEngine, disk: SmallDisk): Promise<void> {
  await engine.stop();
  await runChecked('cp', ['-a', `${engine.dataRoot}/.`, disk.folder]);
  await runChecked('mount', ['--bind', disk.folder, engine.dataRoot]);
  await engine.restart();
}

/** Takes every byte that is left on a disk, to the last block. Disposing gives them back. */
export function fill(disk: SmallDisk): Disposable & { free(): void } {
  const file = path.join(disk.folder, 'filler');
  const fd = openSync(file, 'w');
  try {
    for (let size = 1024 * 1024; size >= 512; ) {
      try {
        writeSync(fd, Buffer.alloc(size, 1));
      } catch (error) {
        if (errnoOf(error) !== 'ENOSPC') throw error;
        size /= 2;
      }
    }
  } finally {
    closeSync(fd);
  }
  const free = (): void => rmSync(file, { force: true });
  return { free, [Symbol.dispose]: free };
}
