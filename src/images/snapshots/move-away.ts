import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { errnoOf } from '../../base/errors.ts';

/**
 * Renames a folder into `removed`, at once: whoever looks sees it whole or not at all. Returns where it is now, to be
 * removed there, or undefined when it is not there.
 */
export function moveAway(folder: string, removed: string): string | undefined {
  const doomed = path.join(removed, `${path.basename(folder)}-${randomBytes(4).toString('hex')}`);
  try {
    fs.renameSync(folder, doomed);
    return doomed;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
