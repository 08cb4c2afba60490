import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';

/**
 * Removes a file or folder with all below it, also names that are no UTF-8. Symbolic links are removed, not
 * followed. Idempotent; interrupted, it leaves a smaller tree. @throws the system error.
 */
export async function removeTree(path: string | Buffer): Promise<void> {
  const entries = await listOrUnlink(path);
  if (!entries) return;
  for (const entry of entries) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await removeTree(child);
    else await fs.promises.unlink(child);
  }
  await fs.promises.rmdir(path);
}

async function listOrUnlink(path: string | Buffer): Promise<fs.Dirent<Buffer>[] | undefined> {
  try {
    return await fs.promises.readdir(path, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    if (errnoOf(error) !== 'ENOTDIR') throw error;
    await fs.promises.unlink(path);
    return undefined;
  }
}

/**
 * As `removeTree`, at once and on this thread, for trees that are expected to be small: gives up after
 * `budget` names, with what is left still in place. Returns whether all of it is gone.
 */
export function removeSmallTree(path: string, budget = 64): boolean {
  let left = budget;
  const remove = (folder: string | Buffer): boolean => {
    for (const entry of fs.readdirSync(folder, { encoding: 'buffer', withFileTypes: true })) {
      left -= 1;
      if (left < 0) return false;
      const child = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (!remove(child)) return false;
      } else fs.unlinkSync(child);
    }
    fs.rmdirSync(folder);
    return true;
  };
  try {
    return remove(path);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
}

function join(folder: string | Buffer, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), name]);
}
