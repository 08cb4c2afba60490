import * as fs from 'node:fs';
import type { PathStat } from '../../api/types/container.ts';
import { errnoOf } from '../../base/errors.ts';
import { type ByteString, byteString } from '../../images/unpack/names.ts';
import { inFolder, openPlace } from './place.ts';

/**
 * What a path inside the root is; a link at its end counts itself, unless the path ends in `/` or `/.`.
 * @throws the system error (ENOENT, ENOTDIR, ELOOP).
 */
export function statPath(root: number, path: ByteString): PathStat {
  const fd = openPlace(root, path, { follow: false });
  try {
    const stat = fs.fstatSync(fd, { bigint: true });
    const linkTarget = stat.isSymbolicLink() ? followLinks(root, path) : '';
    const mode = goFileMode(Number(stat.mode));
    const text = (bytes: ByteString): string => Buffer.from(bytes, 'latin1').toString();
    const size = Number(stat.size);
    return { name: text(baseName(path)), size, mode, mtime: goTime(stat.mtimeNs), linkTarget: text(linkTarget) };
  } finally {
    fs.closeSync(fd);
  }
}

/** As Go's `filepath.Base`: the last part, `.` for a path that ends so, `/` for the root. */
export function baseName(path: ByteString): ByteString {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

const mostLinks = 255;

/** Where a path leads when all links are followed inside the root, as far as that goes: a broken link gives where it points. */
function followLinks(root: number, path: ByteString): ByteString {
  const pending = path.split('/').reverse();
  let done: ByteString[] = [];
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    const target = links < mostLinks ? linkAt(root, done.join('/'), part) : undefined;
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links += 1;
    if (target.startsWith('/')) done = [];
    pending.push(...target.split('/').reverse());
  }
  return `/${done.join('/')}`;
}

/** What a link says; undefined for anything else. */
function linkAt(root: number, folder: ByteString, name: ByteString): ByteString | undefined {
  let fd: number | undefined;
  try {
    fd = openPlace(root, `/${folder}`, { follow: true, folder: true });
    return byteString(fs.readlinkSync(inFolder(fd, name), 'buffer'));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENAMETOOLONG'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

const S_IFMT = 0o170000;
/** File types of inode(7) as Go's `io/fs.FileMode` has them. */
const typeBits = new Map([
  [0o040000, 2 ** 31],
  [0o120000, 2 ** 27],
  [0o060000, 2 ** 26],
  [0o020000, 2 ** 26 + 2 ** 21],
  [0o010000, 2 ** 25],
  [0o140000, 2 ** 24],
]);

export function goFileMode(mode: number): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (typeBits.get(mode & S_IFMT) ?? 0) + special + (mode & 0o777);
}

function goTime(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n - (nanoseconds < 0n && nanoseconds % 1_000_000_000n !== 0n ? 1n : 0n);
  const rest = nanoseconds - seconds * 1_000_000_000n;
  const fraction = rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`;
  const date = new Date(Math.max(Math.min(Number(seconds) * 1000, 253402300799000), -62135596800000));
  return `${date.toISOString().slice(0, 19)}${fraction}Z`;
}
