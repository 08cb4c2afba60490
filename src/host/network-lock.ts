import { closeSync, openSync } from 'node:fs';
import { check, libc } from './ffi.ts';

const LOCK_EX = 2;

/**
 * The lock that all engines in this network namespace share while they choose a subnet and take it. It is an flock(2) on
 * the namespace itself, so it leaves no file, and ends with the process in whatever way. Held for a few milliseconds,
 * synchronously: whoever holds it does nothing else.
 */
export function lockHostNetwork(): Disposable {
  const fd = openSync('/proc/thread-self/ns/net', 'r');
  try {
    check(libc('int flock(int, int)')(fd, LOCK_EX), 'flock', 'network namespace');
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(fd) };
}
