import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { readIfThere } from '../base/read-if-there.ts';

/**
 * A name for the time from one boot of the host to the next, by which the engine knows whether what the last engine
 * process wrote without waiting for the disk is still in the kernel's memory. It lies in the exec root, which a boot
 * empties, with the kernel's own name for the boot (random(4), boot_id). Idempotent.
 */
export function bootSession(execRoot: string): string {
  const boot = fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const file = path.join(execRoot, 'session');
  const known = readIfThere(file);
  if (known?.startsWith(`${boot}:`)) return known;
  const session = `${boot}:${randomUUID()}`;
  fs.writeFileSync(`${file}.new`, session, { mode: 0o600 });
  fs.renameSync(`${file}.new`, file);
  return session;
}
