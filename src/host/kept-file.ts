import { closeSync, openSync, readSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';

/** A file of the kernel's that is read from its beginning again and again (proc(5), cgroups(7)). */
export interface KeptFile extends Disposable {
  /** Its text now, or undefined when it is not there. Synchronous. @throws any other fault of reading. */
  read(): string | undefined;
}

/** How many files may be kept open; those beyond it are opened at each reading. */
export interface FileBudget {
  take(): boolean;
  giveBack(): void;
}

export function createFileBudget(most: number): FileBudget {
  let left = most;
  return {
    take() {
      if (left === 0) return false;
      left -= 1;
      return true;
    },
    giveBack() {
      left += 1;
    },
  };
}

/** Shared: reading is synchronous, so that no two readings ever overlap. Files that are larger are cut. */
const buffer = Buffer.alloc(64 * 1024);

/** ENODEV is what reading a file of a group says that was removed meanwhile; ESRCH, EINVAL that of a process. */
const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ENODEV', 'ENOTDIR', 'ESRCH', 'EINVAL', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '');

/** Opens at the first reading. One that was not there is not looked for again. */
export function keepFile(path: string, budget: FileBudget): KeptFile {
  let fd: number | undefined;
  let absent = false;
  const close = (): void => {
    if (fd === undefined) return;
    closeSync(fd);
    fd = undefined;
    budget.giveBack();
  };
  return {
    read() {
      if (absent) return undefined;
      try {
        if (fd === undefined && budget.take()) {
          try {
            fd = openSync(path, 'r');
          } catch (error) {
            budget.giveBack();
            throw error;
          }
        }
        return fd === undefined ? readOnce(path) : textOf(fd);
      } catch (error) {
        if (!isGone(error)) throw error;
        absent = true;
        close();
        return undefined;
      }
    },
    [Symbol.dispose]() {
      absent = true;
      close();
    },
  };
}

function readOnce(path: string): string {
  const fd = openSync(path, 'r');
  try {
    return textOf(fd);
  } finally {
    closeSync(fd);
  }
}

/** A read that got less than this is the last: the kernel gives lists a page at a time, and no line is that long. */
const lastPiece = 4096 - 512;

function textOf(fd: number): string {
  let length = 0;
  for (;;) {
    const got = readSync(fd, buffer, length, buffer.length - length, length);
    length += got;
    if (got < lastPiece) return buffer.toString('latin1', 0, length);
  }
}
