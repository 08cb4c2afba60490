import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { run, runChecked } from '../../src/base/process.ts';

/** An ext4 file system of its own, on a loop device. Disposing unmounts and removes it. */
export interface SmallDisk extends AsyncDisposable {
  readonly folder: string;
  /** Bytes that are free. */
  free(): Promise<number>;
}

/** Makes one of that many mebibytes. Without a journal, so that its size is what one writes. */
export async function makeSmallDisk(mebibytes: number): Promise<SmallDisk> {
  const scratch = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-disk-'));
  const image = path.join(scratch, 'disk.ext4');
  const folder = path.join(scratch, 'mounted');
  let mounted = false;
  const dispose = async (): Promise<void> => {
    const ended = mounted ? await run('umount', [folder]) : undefined;
    if (ended?.code) await run('umount', ['--lazy', folder]); // what holds it is told, and it goes with that
    await fs.rm(scratch, { recursive: true, force: true });
    if (ended?.code) throw new Error(ended.stderr);
  };
  try {
    await fs.mkdir(folder);
    await fs.writeFile(image, '');
    await fs.truncate(image, mebibytes * 1024 * 1024);
    await runChecked('mkfs.ext4', ['-q', '-O', '^has_journal', '-m', '0', image]);
    await runChecked('mount', ['-o', 'loop', image, folder]);
    mounted = true;
  } catch (error) {
    await dispose();
    throw error;
  }
  const free = async (): Promise<number> => {
    const { bavail, bsize } = await fs.statfs(folder);
    return bavail * bsize;
  };
  return { folder, free, [Symbol.asyncDispose]: dispose };
}
