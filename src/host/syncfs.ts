import * as fs from 'node:fs';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { libc } from './ffi.ts';

type AsyncCall = { async(fd: number, done: (error: Error | null, result: number) => void): void };

/**
 * syncfs(2): writes everything that is dirty on the file system of `path` to the disk, in a thread of the
 * pool, since it may take long. Idempotent.
 * @throws the system error; ENOSPC or EIO when earlier writes could not be carried out.
 */
export function syncFileSystem(path: string): Promise<void> {
  const call = libc('int syncfs(int)') as unknown as AsyncCall;
  const fd = fs.openSync(path, 'r');
  return new Promise<void>((resolve, reject) => {
    call.async(fd, (error, result) => {
      if (error) reject(error);
      else if (result === 0) resolve();
      else reject(systemError(koffi.errno(), path));
    });
  }).finally(() => fs.closeSync(fd));
}

function systemError(errno: number, path: string): NodeJS.ErrnoException {
  const code = getSystemErrorName(-errno);
  return Object.assign(new Error(`${code}: syncfs '${path}'`), { code, errno: -errno, syscall: 'syncfs', path });
}
