import { check, libc } from './ffi.ts';
import { cString } from './xattr.ts';

/*
 * System calls that take an open folder and one name in it, which is never followed: what somebody swaps in the
 * tree meanwhile leads nowhere else. Names are bytes, since they need not be UTF-8. All throw the system error.
 */

/** In place of an open folder, for absolute names. */
export const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
export const O_CLOEXEC = 0o2000000;
export const O_PATH = 0o10000000;

/** With a NUL at its end. Who makes several calls of one name gives it with one, which is no part of any name. */
const terminated = (name: Buffer): Buffer => (name.at(-1) === 0 ? name : cString(name));

function checkNamed(result: number, syscall: string, name: Buffer): number {
  return result < 0 ? check(result, syscall, name.toString()) : result;
}

/** openat(2). The caller closes the descriptor. */
export function openAt(folder: number, name: Buffer, flags: number, mode = 0): number {
  const call = libc('int openat(int, const void *, int, uint)');
  return checkNamed(call(folder, terminated(name), flags | O_CLOEXEC, mode), 'openat', name);
}

export function mkdirAt(folder: number, name: Buffer, mode: number): void {
  checkNamed(libc('int mkdirat(int, const void *, uint)')(folder, terminated(name), mode), 'mkdirat', name);
}

/** `device` as st_rdev has it. */
export function mknodAt(folder: number, name: Buffer, mode: number, device: bigint): void {
  const call = libc('int mknodat(int, const void *, uint, uint64_t)');
  checkNamed(call(folder, terminated(name), mode, device), 'mknodat', name);
}

export function symlinkAt(target: Buffer, folder: number, name: Buffer): void {
  const call = libc('int symlinkat(const void *, int, const void *)');
  checkNamed(call(cString(target), folder, terminated(name)), 'symlinkat', name);
}

export function readlinkAt(folder: number, name: Buffer): Buffer {
  const target = Buffer.allocUnsafe(4096);
  const call = libc('long readlinkat(int, const void *, _Out_ void *, size_t)');
  const length = checkNamed(Number(call(folder, terminated(name), target, target.length)), 'readlinkat', name);
  return Buffer.from(target.subarray(0, length));
}

/** Moves a name into another folder, where nothing has it yet. @throws EEXIST. */
export function moveAt(from: number, name: Buffer, to: number): void {
  const RENAME_NOREPLACE = 1;
  const call = libc('int renameat2(int, const void *, int, const void *, uint)');
  const text = terminated(name);
  checkNamed(call(from, text, to, text, RENAME_NOREPLACE), 'renameat2', name);
}

/** Gives an open file (O_PATH will do) another name, or one that was opened without a name its first. Needs CAP_DAC_READ_SEARCH. */
export function linkAt(file: number, folder: number, name: Buffer): void {
  const call = libc('int linkat(int, const void *, int, const void *, int)');
  checkNamed(call(file, cString(Buffer.alloc(0)), folder, terminated(name), AT_EMPTY_PATH), 'linkat', name);
}

/** Of the name itself, a link too. */
export function chownAt(folder: number, name: Buffer, uid: number, gid: number): void {
  const call = libc('int fchownat(int, const void *, uint, uint, int)');
  checkNamed(call(folder, terminated(name), uid, gid, AT_SYMLINK_NOFOLLOW), 'fchownat', name);
}

/** unlinkat(2), or rmdir(2) with `folder`. */
export function unlinkAt(parent: number, name: Buffer, options: { folder: boolean }): void {
  const call = libc('int unlinkat(int, const void *, int)');
  checkNamed(call(parent, terminated(name), options.folder ? AT_REMOVEDIR : 0), 'unlinkat', name);
}

/** Access and modification time of the name itself, in nanoseconds since 1970. */
export function setTimesAt(folder: number, name: Buffer, accessed: bigint, modified: bigint): void {
  const call = libc('int utimensat(int, const void *, const void *, int)');
  const at = timesOf(accessed, modified);
  checkNamed(call(folder, terminated(name), at, AT_SYMLINK_NOFOLLOW), 'utimensat', name);
}

/** The same of an open file. */
export function setBothTimes(fd: number, accessed: bigint, modified: bigint): void {
  check(libc('int futimens(int, const void *)')(fd, timesOf(accessed, modified)), 'futimens');
}

const times = Buffer.alloc(32);

/** Two struct timespec; seconds are rounded down, so that nanoseconds are never negative. */
function timesOf(accessed: bigint, modified: bigint): Buffer {
  for (const [offset, time] of [
    [0, accessed],
    [16, modified],
  ] as const) {
    const rest = ((time % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    times.writeBigInt64LE((time - rest) / 1_000_000_000n, offset);
    times.writeBigInt64LE(rest, offset + 8);
  }
  return times;
}

/** Names and values of an open file's extended attributes; none where its file system has none. */
export function attributesOf(fd: number): [name: string, value: Buffer][] {
  const list = libc('long flistxattr(int, _Out_ void *, size_t)');
  const length = Number(list(fd, attributes, attributes.length));
  if (length <= 0) return [];
  const names = attributes.toString('latin1', 0, length).split('\0').filter(Boolean);
  return names.flatMap((name) => {
    const get = libc('long fgetxattr(int, const void *, _Out_ void *, size_t)');
    const size = Number(get(fd, cString(Buffer.from(name, 'latin1')), attributes, attributes.length));
    return size < 0 ? [] : [[name, Buffer.from(attributes.subarray(0, size))]];
  });
}

export function setAttribute(fd: number, name: string, value: Buffer): void {
  const call = libc('int fsetxattr(int, const void *, const void *, size_t, int)');
  const given = value.length === 0 ? Buffer.alloc(1) : value;
  check(call(fd, cString(Buffer.from(name, 'latin1')), given, value.length, 0), 'fsetxattr', name);
}

const attributes = Buffer.alloc(65536);
