import { messageOf } from '../../src/base/errors.ts';
import { mountMissing, readCgroups } from '../../src/host/cgroup/detect.ts';
import { readSysctl, writeSysctl } from '../../src/host/sysctl.ts';

/**
 * Settings that an engine turns on with its first bridge, and leaves on when it goes while another engine forwards: which
 * of those that run side by side is the last depends on the moment. The first of IPv6 sets all others of IPv6 with it.
 */
const forwarding = ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding', 'net/ipv6/conf/default/forwarding'];

/**
 * Does beforehand what the first engine would do to this machine. The control group hierarchies that were missing
 * stay mounted, as an engine leaves them; the settings go back to what they were with the function this returns.
 */
export function prepareMachine(): () => void {
  const { failed } = mountMissing(readCgroups());
  for (const { name, error } of failed) console.log(`The hierarchy of ${name} cannot be mounted: ${messageOf(error)}`);
  const found = forwarding.flatMap((name) => {
    const value = readSysctl(name);
    return value === undefined ? [] : [{ name, value }];
  });
  for (const { name } of found) writeSysctl(name, '1');
  return () => {
    for (const { name, value } of found) writeSysctl(name, value);
  };
}
