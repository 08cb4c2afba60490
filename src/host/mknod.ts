import { check, libc } from './ffi.ts';
import { cString } from './xattr.ts';

/** File type bits of st_mode (inode(7)) for what `makeNode` makes. */
export const nodeTypes = { fifo: 0o010000, character: 0o020000, block: 0o060000 } as const;

/** mknod(2). `mode` is permissions plus one of `nodeTypes`. @throws the system error (EEXIST, EPERM, ...). */
export function makeNode(path: string | Buffer, mode: number, major = 0, minor = 0): void {
  const call = libc('int mknod(const void *, unsigned int, unsigned long)');
  check(call(cString(path), mode, deviceNumber(major, minor)), 'mknod', String(path));
}

/** dev_t of glibc's makedev(3): 12 low bits of the minor and major interleaved as the kernel's new encoding. */
export function deviceNumber(major: number, minor: number): bigint {
  const a = BigInt(major);
  const b = BigInt(minor);
  return ((a & 0xfffff000n) << 32n) | ((a & 0xfffn) << 8n) | ((b & 0xffffff00n) << 12n) | (b & 0xffn);
}
