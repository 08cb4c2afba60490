import { chownSync, readdirSync, readlinkSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';

/**
 * Gives the pipes that a child process of this one has open to a user, who can open them by name then
 * (`/dev/stdout`). One that it closes meanwhile is left out. @throws the system error.
 */
export function givePipes(pid: number, uid: number): void {
  const folder = `/proc/${pid}/fd`;
  for (const name of readdirSync(folder)) {
    const file = `${folder}/${name}`;
    try {
      if (readlinkSync(file).startsWith('pipe:')) chownSync(file, uid, -1);
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
  }
}
