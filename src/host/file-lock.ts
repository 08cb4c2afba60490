import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { check, libc } from './ffi.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/** A file held by this process alone, until it is released or the process ends in whatever way. */
export interface LockedFile extends Disposable {
  readonly fd: number;
}

/**
 * Opens a file (made if missing) and takes an exclusive flock(2) on it. Returns undefined when another
 * process holds it. The file is the one that `file` names when this returns, not one that was removed meanwhile.
 * @throws the system error when it cannot be opened.
 */
export function lockFile(file: string, mode = 0o600): LockedFile | undefined {
  for (;;) {
    const fd = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, mode);
    try {
      check(libc('int flock(int, int)')(fd, LOCK_EX | LOCK_NB), 'flock', file);
    } catch (error) {
      fs.closeSync(fd);
      if (errnoOf(error) === 'EAGAIN') return undefined;
      throw error;
    }
    if (fs.statSync(file, { throwIfNoEntry: false })?.ino === fs.fstatSync(fd).ino) {
      return { fd, [Symbol.dispose]: () => fs.closeSync(fd) };
    }
    fs.closeSync(fd);
  }
}
