import { check, libc } from './ffi.ts';
import { cString } from './xattr.ts';

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const times = Buffer.alloc(32);

/** futimens(2) with both times set to `nanoseconds` since 1970; Node's own call loses digits below a microsecond. */
export function setTimesOfFd(fd: number, nanoseconds: bigint): void {
  fill(nanoseconds);
  check(libc('int futimens(int, const void *)')(fd, times), 'futimens');
}

/** utimensat(2) on the file itself, a symbolic link too. */
export function setTimes(path: string | Buffer, nanoseconds: bigint): void {
  fill(nanoseconds);
  const call = libc('int utimensat(int, const void *, const void *, int)');
  check(call(AT_FDCWD, cString(path), times, AT_SYMLINK_NOFOLLOW), 'utimensat', String(path));
}

function fill(nanoseconds: bigint): void {
  let seconds = nanoseconds / 1_000_000_000n;
  let rest = nanoseconds % 1_000_000_000n;
  if (rest < 0n) {
    rest += 1_000_000_000n;
    seconds -= 1n;
  }
  for (const offset of [0, 16]) {
    times.writeBigInt64LE(seconds, offset);
    times.writeBigInt64LE(rest, offset + 8);
  }
}
