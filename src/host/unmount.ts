import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { libcInPool } from './ffi.ts';
import { unmount } from './mount.ts';

let umountInPool: ReturnType<typeof libcInPool> | undefined;

/**
 * umount2(2) in a thread of the pool, since an unmount syncs the file system that was written to; with `quick`
 * (nothing to sync) on this thread. Returns false when nothing is mounted there. @throws the system error (EBUSY, ...).
 */
export async function unmountAsync(target: string, { quick = false } = {}): Promise<boolean> {
  if (quick) return unmount(target);
  umountInPool ??= libcInPool('int umount2(const char *, int)');
  const call = umountInPool;
  const errno = await new Promise<number>((resolve, reject) => {
    call(target, 0, (error: Error | null, result: number) => {
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
