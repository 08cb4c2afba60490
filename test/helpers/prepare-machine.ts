import { readFileSync, writeFileSync } from 'node:fs';
import { messageOf } from '../../src/base/errors.ts';
import { mountMissing, readCgroups } from '../../src/host/cgroup/detect.ts';

/** Settings that an engine turns on and that stay on while its networks exist. */
const forwarding = ['/proc/sys/net/ipv4/ip_forward'];

/**
 * Does beforehand what the first engine would do to this machine. The control group hierarchies that were missing
 * stay mounted, as an engine leaves them; the settings go back to what they were with the function this returns.
 */
export function prepareMachine(): () => void {
  const { failed } = mountMissing(readCgroups());
  for (const { name, error } of failed) console.log(`The hierarchy of ${name} cannot be mounted: ${messageOf(error)}`);
  const found = forwarding.map((file) => [file, readFileSync(file, 'utf8')] as const);
  for (const [file] of found) writeFileSync(file, '1');
  return () => {
    for (const [file, value] of found) writeFileSync(file, value);
  };
}
