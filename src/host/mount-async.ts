import { statSync } from 'node:fs';
import * as path from 'node:path';
import { callInPool, systemError } from './ffi.ts';
import { listMounts, mount, mountFlags, unmount } from './mount.ts';

/** What to mount(2); `propagation` is set by a call of its own. */
export interface MountRequest {
  readonly source: string;
  readonly type: string;
  readonly flags: number;
  readonly propagation: number;
  readonly data: string;
}

/**
 * mount(2) in a thread of the pool, since a server may take its time. A bind that is to be read-only or the like is
 * mounted once more, as the kernel wants it. Nothing is mounted when it throws. @throws the system error.
 */
export async function mountAsync(request: MountRequest, target: string): Promise<void> {
  const { source, type, flags, propagation, data } = request;
  const { errno } = await callInPool(prototype, source, target, type, flags, data);
  if (errno !== 0) throw systemError(errno, 'mount', target);
  try {
    const rest = flags & ~(mountFlags.bind | mountFlags.recursive);
    if ((flags & mountFlags.bind) !== 0 && rest !== 0)
      mount('', target, '', rest | mountFlags.bind | mountFlags.remount);
    if (propagation !== 0) mount('', target, '', propagation);
  } catch (error) {
    unmount(target, { detach: true });
    throw error;
  }
}

const prototype = 'int mount(const char *, const char *, const char *, unsigned long, const char *)';

/** Whether something is mounted on a folder, a bind on the same file system too. */
export function isMountPoint(folder: string): boolean {
  const [own, above] = [folder, path.dirname(folder)].map((name) => statSync(name, { throwIfNoEntry: false })?.dev);
  if (own !== above) return own !== undefined;
  return listMounts(folder).some(({ target }) => target === folder);
}
