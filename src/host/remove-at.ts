import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { openAt, unlinkAt } from './at-calls.ts';
import { entriesOf } from './copy-tree.ts';

/**
 * Removes a name in an open folder, with all below it. No link is followed, whoever writes to the tree meanwhile.
 * Synchronous. Idempotent; cut off, it leaves a smaller tree. @throws the system error, EBUSY for a mount point.
 */
export function removeAt(folder: number, name: Buffer): void {
  try {
    unlinkAt(folder, name, { folder: false });
    return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    if (errnoOf(error) !== 'EISDIR') throw error;
  }
  const child = openAt(folder, name, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY | fs.constants.O_NOFOLLOW);
  try {
    for (const entry of entriesOf(child)) removeAt(child, entry.name);
  } finally {
    fs.closeSync(child);
  }
  unlinkAt(folder, name, { folder: true });
}
