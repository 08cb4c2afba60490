import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';

/**
 * Replaces `file` with `data` so that a reader, or a crash at any moment, sees the old or the new content
 * and nothing between: written to a temporary name in the same folder, synced, renamed, the folder synced.
 * Idempotent. A crash may leave a `.tmp-*` file beside it.
 * @throws whatever the file system says (ENOSPC, EACCES, ...), with the old content intact and no temporary left.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  await replace(file, data, mode, true);
  await syncFolder(path.dirname(file));
}

/**
 * As `writeFileAtomic` without waiting for the disk: a reader, or an engine killed at any moment, sees the old or the
 * new content; a power cut may leave anything.
 */
export function writeFileWhole(file: string, data: string | Uint8Array, mode = 0o644): Promise<void> {
  return replace(file, data, mode, false);
}

async function replace(file: string, data: string | Uint8Array, mode: number, synced: boolean): Promise<void> {
  const temporary = path.join(path.dirname(file), `.tmp-${randomBytes(6).toString('hex')}`);
  try {
    const handle = await fs.open(temporary, 'wx', mode);
    try {
      await handle.writeFile(data);
      if (synced) await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
