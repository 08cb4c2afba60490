import { closeSync, openSync, statSync } from 'node:fs';
import { check, libc } from './ffi.ts';

/** Blocks are taken, the file's size stays (linux/falloc.h). */
const FALLOC_FL_KEEP_SIZE = 1;

/**
 * Takes blocks for what a file will grow by, so that it can also be written when the disk is full: `bytes` beyond
 * its present end. What was reserved before and not used counts in. Creates the file if it is missing. Idempotent.
 * @throws the system error: EOPNOTSUPP where the file system cannot, ENOSPC where nothing is left to take.
 */
export function reserveSpace(file: string, bytes: number): void {
  const fd = openSync(file, 'a', 0o600);
  try {
    const fallocate = libc('int fallocate(int, int, int64_t, int64_t)');
    check(fallocate(fd, FALLOC_FL_KEEP_SIZE, statSync(file).size, bytes), 'fallocate', file);
  } finally {
    closeSync(fd);
  }
}
