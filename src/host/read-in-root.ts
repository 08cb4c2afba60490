import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { check, libc } from './ffi.ts';
import { cString } from './xattr.ts';

const SYS_OPENAT2 = 437;
const O_PATH = 0o10000000;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_NO_SYMLINKS = 0x04;
const RESOLVE_BENEATH = 0x08;
const RESOLVE_IN_ROOT = 0x10;

/**
 * Opens `file` as a process whose root is `root` would (openat2(2), RESOLVE_IN_ROOT): no link, `..` or mount
 * trick in a container's file system leads outside. The caller closes the descriptor.
 * @throws the system error (ENOENT, ELOOP, ...).
 */
export function openInRoot(root: string, file: string | Buffer, flags: number = fs.constants.O_RDONLY): number {
  return openWithin(root, file, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/**
 * Opens a folder inside `root` as a place to look names up in (O_PATH). No part of its path may be a link, so that
 * whoever writes to the tree cannot lead the look-up elsewhere by swapping one in. The caller closes the descriptor.
 * @throws the system error (ENOENT, ENOTDIR, ELOOP for a link, ENAMETOOLONG, ...).
 */
export function openFolderBeneath(root: string, folder: string | Buffer): number {
  const resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return openWithin(root, folder.length === 0 ? '.' : folder, O_PATH | fs.constants.O_DIRECTORY, resolve);
}

function openWithin(root: string, file: string | Buffer, flags: number, resolve: number): number {
  const rootFd = fs.openSync(root, O_PATH | fs.constants.O_DIRECTORY);
  try {
    const how = Buffer.alloc(24);
    how.writeBigUInt64LE(BigInt(flags | 0o2000000 /* O_CLOEXEC */), 0);
    how.writeBigUInt64LE(BigInt(resolve), 16);
    const call = libc('long syscall(long, long, const void *, void *, size_t)');
    const open = (): number =>
      check(Number(call(SYS_OPENAT2, rootFd, cString(file), how, how.length)), 'openat2', String(file));
    return retryRaced(open);
  } finally {
    fs.closeSync(rootFd);
  }
}

/** More renames and mounts than ever meet the tries of one look-up by chance; who makes them on purpose gets the error. */
const mostTries = 1000;

/**
 * Tries a look-up again that the kernel could not vouch for (openat2(2), EAGAIN): a path with `..` in it, or a link that
 * has, while anything was renamed or mounted anywhere on this machine.
 */
function retryRaced(open: () => number): number {
  for (let tries = 1; ; tries += 1) {
    try {
      return open();
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN' || tries === mostTries) throw error;
    }
  }
}

/** The text of a regular file in a container's root, or undefined when there is none. At most `limit` bytes are read. */
export function readInRoot(root: string, file: string, limit = 4 * 1024 * 1024): string | undefined {
  let fd: number;
  try {
    fd = openInRoot(root, file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) return undefined;
    const text = Buffer.alloc(Math.min(stat.size, limit));
    const length = fs.readSync(fd, text, 0, text.length, 0);
    return text.toString('utf8', 0, length);
  } finally {
    fs.closeSync(fd);
  }
}

/** The host path that a path inside a container's root stands for, links resolved within the root. @throws the system error. */
export function resolveInRoot(root: string, file: string): string {
  const fd = openInRoot(root, file, O_PATH);
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } finally {
    fs.closeSync(fd);
  }
}
