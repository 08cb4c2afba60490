import { globSync, readFileSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { listMounts, unmount } from '../../src/host/mount.ts';
import { sweepEngine } from './engine-sweep.ts';

/**
 * Takes away what a run of tests left in its folder of temporary files, once it has been reported and the run's
 * processes are gone, so that a failing run does not make the next one fail: engines with all they have on the
 * machine, mounts, files. Touches nothing of others. Idempotent.
 */
export async function sweepLeftovers(folder: string): Promise<void> {
  for (const file of globSync(path.join(folder, '*/bridge'))) {
    await sweepEngine({ root: path.dirname(file), bridge: readFileSync(file, 'utf8') });
  }
  for (const { target } of listMounts(folder).reverse()) unmount(target, { detach: true });
  rmSync(folder, { recursive: true, force: true });
}
