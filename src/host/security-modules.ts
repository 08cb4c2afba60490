import { closeSync, readdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { errnoOf, invalid } from '../base/errors.ts';
import { readIfThere } from '../base/read-if-there.ts';
import { openFolderBeneath } from './read-in-root.ts';
import { setXattr } from './xattr.ts';

export const isSelinuxActive = (): boolean => readIfThere('/sys/fs/selinux/enforce') !== undefined;

/** The policy's file of the contexts of containers, as text; undefined where SELinux is not active or has none. */
export function readLxcContexts(): string | undefined {
  if (!isSelinuxActive()) return undefined;
  const type = /^SELINUXTYPE=(\S+)/m.exec(readIfThere('/etc/selinux/config') ?? '')?.[1] ?? 'targeted';
  return readIfThere(`/etc/selinux/${type}/contexts/lxc_contexts`);
}

/** False for a context that the policy which is loaded does not know. Only where SELinux is active. */
export function knowsContext(context: string): boolean {
  try {
    writeFileSync('/sys/fs/selinux/context', `${context}\0`, { flag: 'r+' });
    return true;
  } catch (error) {
    if (errnoOf(error) !== 'EINVAL') throw error;
    return false;
  }
}

const attribute = 'security.selinux';

/** Folders whose new label would lock the host's own programs out. */
const systemFolders = new Set(
  ['', 'bin', 'boot', 'dev', 'etc', 'home', 'lib', 'lib64', 'media', 'opt', 'proc', 'root', 'run', 'sbin', 'srv', 'sys']
    .concat(['tmp', 'usr', 'var', 'var/lib', 'var/log', 'etc/pki', 'etc/passwd', 'etc/shadow'])
    .map((name) => `/${name}`),
);

/** Labels one file, not what a link points to. @throws the system error; file systems without labels are no fault. */
export function labelFile(file: string | Buffer, label: string): void {
  try {
    setXattr(file, attribute, Buffer.from(`${label}\0`));
  } catch (error) {
    if (!['EOPNOTSUPP', 'ENOTSUP', 'ENOENT'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * Labels a file or a folder with all that is in it. No link is followed, also none that somebody puts in the way
 * meanwhile. Cut off, part of it has the label; doing it again does the rest.
 * @throws invalid for a folder of the system itself.
 */
export async function relabel(file: string, label: string): Promise<void> {
  if (systemFolders.has(path.resolve(file))) throw invalid(`SELinux relabeling of ${file} is not allowed`);
  labelFile(file, label);
  const pending: Buffer[] = [Buffer.from('.')];
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    const fd = openFolder(file, folder);
    if (fd === undefined) continue;
    try {
      const here = (name: Buffer): Buffer => Buffer.concat([Buffer.from(`/proc/self/fd/${fd}/`), name]);
      for (const entry of readdirSync(here(Buffer.alloc(0)), { encoding: 'buffer', withFileTypes: true })) {
        labelFile(here(entry.name), label);
        if (entry.isDirectory()) pending.push(Buffer.concat([folder, Buffer.from('/'), entry.name]));
      }
    } finally {
      closeSync(fd);
    }
    await setImmediate();
  }
}

/** Undefined for what is no folder, or not any more. */
function openFolder(root: string, folder: Buffer): number | undefined {
  try {
    return openFolderBeneath(root, folder);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EXDEV'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
