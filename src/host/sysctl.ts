import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Reads a kernel setting named by its path below /proc/sys (`net/ipv4/ip_forward`), or undefined where this kernel has none. */
export function readSysctl(name: string): string | undefined {
  const file = `/proc/sys/${name}`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
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
