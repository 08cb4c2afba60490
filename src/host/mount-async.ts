import { statSync } from 'node:fs';
import * as path from 'node:path';
import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';
import { libc } from './ffi.ts';
import { listMounts, mount, mountFlags, unmount } from './mount.ts';

type AsyncCall = {
  async(...args: [string, string, string, number, string, (error: Error | null, result: number) => void]): void;
};

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
  const call = libc(
    'int mount(const char *, const char *, const char *, unsigned long, const char *)',
  ) as unknown as AsyncCall;
  const errno = await new Promise<number>((resolve, reject) => {
    call.async(source, target, type, flags, data, (error, result) => {
      if (error) reject(error);
      else resolve(result === 0 ? 0 : koffi.errno());
    });
  });
  if (errno !== 0) throw systemError(errno, target);
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

function systemError(errno: number, target: string): Error {
  const code = getSystemErrorName(-errno);
  const details = { code, errno: -errno, syscall: 'mount', path: target };
  return Object.assign(new Error(`${code}: mount '${target}'`), details);
}

/** Whether something is mounted on a folder, a bind on the same file system too. */
export function isMountPoint(folder: string): boolean {
  const [own, above] = [folder, path.dirname(folder)].map((name) => statSync(name, { throwIfNoEntry: false })?.dev);
  if (own !== above) return own !== undefined;
  return listMounts(folder).some(({ target }) => target === folder);
}
