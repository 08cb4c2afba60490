import { readFileSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';

/** Reads a kernel setting named by its path below /proc/sys (`net/ipv4/ip_forward`), or undefined where this kernel has none. */
export function readSysctl(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Sets a kernel setting, for `net/` that of the network namespace of the calling thread, and returns the value
 * before. Writes nothing when it has that value already. @throws the system error; ENOENT where the kernel has none.
 */
export function writeSysctl(name: string, value: string): string {
  const file = `/proc/sys/${name}`;
  const before = readFileSync(file, 'utf8').trim();
  if (before !== value) writeFileSync(file, value);
  return before;
}
