import { check, libc } from './ffi.ts';

/** Flags of statvfs(3), by their names as mount options. */
const flags: readonly (readonly [bit: bigint, option: string])[] = [
  [1n, 'ro'],
  [2n, 'nosuid'],
  [4n, 'nodev'],
  [8n, 'noexec'],
];
const FLAGS_OFFSET = 72; // f_flag of struct statvfs, with eight bytes to a field

/** What is restricted on the mount that a file lies on: of `ro`, `nosuid`, `nodev` and `noexec`. @throws the system error. */
export function restrictionsOf(path: string): string[] {
  const found = Buffer.alloc(256);
  check(libc('int statvfs(const char *, _Out_ void *)')(path, found), 'statvfs', path);
  const set = found.readBigUInt64LE(FLAGS_OFFSET);
  return flags.filter(([bit]) => (set & bit) !== 0n).map(([, option]) => option);
}
