import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { libc } from './ffi.ts';
import { unmount } from './mount.ts';

type AsyncCall = { async(target: string, flags: number, done: (error: Error | null, result: number) => void): void };

/**
 * umount2(2) in a thread of the pool, since an unmount syncs the file system that was written to; with `quick`
 * (nothing to sync) on this thread. Returns false when nothing is mounted there. @throws the system error (EBUSY, ...).
 */
export async function unmountAsync(target: string, { quick = false } = {}): Promise<boolean> {
  if (quick) return unmount(target);
  const call = libc('int umount2(const char *, int)') as unknown as AsyncCall;
  const errno = await new Promise<number>((resolve, reject) => {
    call.async(target, 0, (error, result) => {
      if (error) reject(error);
      else resolve(result === 0 ? 0 : koffi.errno());
    });
  });
  if (errno === 0) return true;
  const code = getSystemErrorName(-errno);
  if (code === 'EINVAL' || code === 'ENOENT') return false;
  throw Object.assign(new Error(`${code}: umount2 '${target}'`), {
    code,
    errno: -errno,
    syscall: 'umount2',
    path: target,
  });
}
