import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { writeAllSync } from '../base/write-all.ts';
import { dataSegments } from './data-segments.ts';
import { check, libc } from './ffi.ts';

/** `_IOW(0x94, 9, int)` of linux/fs.h. */
const FICLONE = 0x40049409;
const wholeFile = 1024 * 1024;

/** Copies the content of open files. It keeps in mind what the two file systems cannot do, so make one for each tree. */
export function createContentCopier(): (from: number, to: number, stat: fs.BigIntStats) => void {
  const buffer = Buffer.allocUnsafe(wholeFile);
  let shares = true;
  return (from, to, stat) => {
    const size = Number(stat.size);
    if (size === 0) return;
    if (shares) {
      shares = shareBlocks(from, to);
      if (shares) return;
    }
    const sparse = Number(stat.blocks) * 512 < size ? dataSegments(from, size) : undefined;
    for (const { offset, length } of sparse ?? [{ offset: 0, length: size }])
      copyRange(from, to, offset, length, buffer);
    if (sparse) fs.ftruncateSync(to, size);
  };
}

/** ioctl_ficlone(2). False where the file systems cannot share blocks. @throws the system error for anything else. */
function shareBlocks(from: number, to: number): boolean {
  const call = libc('int ioctl(int, unsigned long, ...)') as (...args: unknown[]) => number;
  try {
    check(call(to, FICLONE, 'int', from), 'ioctl FICLONE');
    return true;
  } catch (error) {
    if (['EOPNOTSUPP', 'ENOTSUP', 'EXDEV', 'EINVAL', 'ENOTTY', 'EISDIR', 'ENOSYS'].includes(errnoOf(error) ?? ''))
      return false;
    throw error;
  }
}

function copyRange(from: number, to: number, offset: number, length: number, buffer: Buffer): void {
  for (let at = offset; at < offset + length; ) {
    const read = fs.readSync(from, buffer, 0, Math.min(buffer.length, offset + length - at), at);
    if (read === 0) return; // it was made shorter meanwhile
    writeAllSync(to, buffer.subarray(0, read), at);
    at += read;
  }
}
