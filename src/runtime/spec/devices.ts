import { lstatSync, readdirSync, statSync } from 'node:fs';
import * as path from 'node:path';
import type { HostConfig } from '../../api/types/container.ts';
import { invalid } from '../../base/errors.ts';
import { splitDevice } from './resources.ts';
import type { OciDevice, OciDeviceRule } from './types.ts';

export interface DevicePlan {
  readonly devices: OciDevice[];
  readonly rules: OciDeviceRule[];
}

/** Device numbers any container may use: null, zero, full, random, urandom, tty, console, ptmx, pts; mknod of any. */
const defaultRules: readonly OciDeviceRule[] = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 1],
    [5, 2],
  ].map(([major, minor]): OciDeviceRule => ({ allow: true, type: 'c', major: major!, minor: minor!, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
];

/**
 * The device nodes of a container and the rules of its devices cgroup: the usual few, `--device`,
 * `--device-cgroup-rule`; with `--privileged` all of the host's.
 * @throws invalid when a device does not exist or a rule cannot be parsed.
 */
export function planDevices(host: HostConfig): DevicePlan {
  if (host.Privileged) return { devices: hostDevices('/dev'), rules: [{ allow: true, access: 'rwm' }] };
  const devices: OciDevice[] = [];
  const rules = [...defaultRules];
  for (const { PathOnHost, PathInContainer, CgroupPermissions } of host.Devices ?? []) {
    const access = CgroupPermissions || 'rwm';
    if (!/^[rwm]+$/.test(access)) throw invalid(`invalid device permissions: ${access}`);
    for (const device of devicesBelow(PathOnHost, PathInContainer || PathOnHost)) {
      devices.push(device);
      rules.push({ allow: true, type: device.type, major: device.major, minor: device.minor, access });
    }
  }
  for (const rule of host.DeviceCgroupRules ?? []) rules.push(parseDeviceRule(rule));
  return { devices, rules };
}

/** Parses `c 1:3 rwm` (docker run --device-cgroup-rule). @throws invalid. */
export function parseDeviceRule(text: string): OciDeviceRule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw invalid(`invalid device cgroup rule format: '${text}'`);
  const [, type = 'a', major = '*', minor = '*', access = 'rwm'] = match;
  return {
    allow: true,
    type,
    ...(major === '*' ? {} : { major: Number(major) }),
    ...(minor === '*' ? {} : { minor: Number(minor) }),
    access,
  };
}

function devicesBelow(source: string, target: string): OciDevice[] {
  const stat = statSync(source, { throwIfNoEntry: false });
  if (!stat)
    throw invalid(
      `error gathering device information while adding custom device "${source}": no such file or directory`,
    );
  if (!stat.isDirectory()) {
    const device = describe(source, target, stat);
    if (!device)
      throw invalid(`error gathering device information while adding custom device "${source}": not a device node`);
    return [device];
  }
  return readdirSync(source).flatMap((name) => {
    const child = path.join(source, name);
    const childStat = lstatSync(child);
    const device = childStat.isDirectory() ? undefined : describe(child, path.join(target, name), childStat);
    return device ? [device] : [];
  });
}

/** Every node below /dev, without the mounts a container has its own of. */
function hostDevices(folder: string): OciDevice[] {
  const own = new Set(['/dev/pts', '/dev/shm', '/dev/fd', '/dev/mqueue', '/dev/console', '/dev/.lxc', '/dev/.udev']);
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (own.has(file)) return [];
    if (entry.isDirectory()) return hostDevices(file);
    if (!entry.isBlockDevice() && !entry.isCharacterDevice()) return [];
    const device = describe(file, file, lstatSync(file));
    return device ? [device] : [];
  });
}

function describe(source: string, target: string, stat: ReturnType<typeof lstatSync> & object): OciDevice | undefined {
  if (!stat.isBlockDevice() && !stat.isCharacterDevice()) return undefined;
  if (!target.startsWith('/'))
    throw invalid(`invalid device path in the container: ${target} (of ${source}) is not absolute`);
  return {
    path: target,
    type: stat.isBlockDevice() ? 'b' : 'c',
    ...splitDevice(Number(stat.rdev)),
    fileMode: Number(stat.mode) & 0o777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
  };
}
