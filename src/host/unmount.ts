import { callInPool, systemError } from './ffi.ts';
import { unmount } from './mount.ts';

/**
 * umount2(2) in a thread of the pool, since an unmount syncs the file system that was written to; with `quick`
 * (nothing to sync) on this thread. Returns false when nothing is mounted there. @throws the system error (EBUSY, ...).
 */
export async function unmountAsync(target: string, { quick = false } = {}): Promise<boolean> {
  if (quick) return unmount(target);
  const { errno } = await callInPool('int umount2(const char *, int)', target, 0);
  if (errno === 0) return true;
  const error = systemError(errno, 'umount2', target);
  if (error.code === 'EINVAL' || error.code === 'ENOENT') return false;
  throw error;
}
