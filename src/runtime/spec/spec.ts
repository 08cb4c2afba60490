import type { HostConfig } from '../../api/types/container.ts';
import type { IdMaps, IdRange } from '../../formats/id-maps.ts';
import { type CapabilityRequest, ownCapabilities, resolveCapabilities } from './capabilities.ts';
import { planDevices } from './devices.ts';
import { buildMounts, maskedPaths, readonlyPaths } from './mounts.ts';
import { buildResources } from './resources.ts';
import { parseSecurityOptions, type SecurityModules, type SecurityPlan } from './security.ts';
import type { SelinuxLabels } from './selinux.ts';
import type { OciMount, OciProcess, OciSpec } from './types.ts';

/** Everything the OCI configuration of one container follows from; nothing is looked up but device numbers. */
export interface SpecInput {
  readonly rootfs: string;
  readonly hostname: string;
  readonly domainname: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly terminal: boolean;
  readonly user: { uid: number; gid: number; additionalGids: readonly number[] };
  readonly host: HostConfig;
  /** Binds, tmpfs, volumes and the engine's own files, in mount order. */
  readonly mounts: readonly OciMount[];
  readonly network: { kind: 'path'; path: string } | { kind: 'host' };
  readonly cgroupsPath: string;
  /** Namespaces of other containers, as /proc/PID/ns paths, for `container:` modes. */
  readonly joined: { pid?: string; ipc?: string };
  /** The user namespace the container is in, a path, with its ids; the host's without it. */
  readonly userNamespace?: { readonly path: string; readonly maps: IdMaps } | undefined;
  readonly cpus: number;
  readonly seccompAvailable: boolean;
  readonly modules?: SecurityModules;
  /** SELinux's; none without them. */
  readonly labels?: SelinuxLabels | undefined;
}

const OCI_VERSION = '1.0.2';

/** The OCI runtime configuration (config.md) of a container. @throws invalid for limits and options out of range. */
export function buildSpec(input: SpecInput): OciSpec {
  const { host } = input;
  const privileged = host.Privileged ?? false;
  const capabilities = containerCapabilities(host);
  const security = parseSecurityOptions(
    host.SecurityOpt ?? [],
    capabilities,
    privileged,
    input.seccompAvailable,
    input.modules,
  );
  const devices = planDevices(host);
  const masked = host.MaskedPaths ?? (security.unmasked || privileged ? [] : maskedPaths);
  const readonly = host.ReadonlyPaths ?? (security.unmasked || privileged ? [] : readonlyPaths);
  return {
    ociVersion: OCI_VERSION,
    ...(host.UTSMode === 'host' ? {} : { hostname: input.hostname }),
    root: { path: input.rootfs, readonly: host.ReadonlyRootfs ?? false },
    process: { ...buildProcess(input, capabilities, security.noNewPrivileges), ...confinement(security, input.labels) },
    mounts: buildMounts({
      privileged,
      ipcMode: host.IpcMode ?? '',
      shmSize: host.ShmSize || 64 * 1024 * 1024,
      extra: input.mounts,
    }),
    ...(host.Annotations ? { annotations: host.Annotations } : {}),
    linux: {
      namespaces: namespaces(input),
      ...idMappings(input.userNamespace?.maps),
      cgroupsPath: input.cgroupsPath,
      resources: { ...buildResources(host, input.cpus), devices: devices.rules },
      ...(devices.devices.length > 0 ? { devices: devices.devices } : {}),
      ...(security.seccomp ? { seccomp: security.seccomp } : {}),
      ...sysctls(input),
      ...(input.labels ? { mountLabel: input.labels.mount } : {}),
      ...(masked.length > 0 ? { maskedPaths: [...masked] } : {}),
      ...(readonly.length > 0 ? { readonlyPaths: [...readonly] } : {}),
    },
  };
}

/** What security modules hold a process to. */
export function confinement({ apparmor }: Pick<SecurityPlan, 'apparmor'>, labels: SelinuxLabels | undefined) {
  return {
    ...(apparmor === undefined ? {} : { apparmorProfile: apparmor }),
    ...(labels?.process ? { selinuxLabel: labels.process } : {}),
  };
}

/** The capabilities that `--privileged`, `--cap-add` and `--cap-drop` give. */
export function containerCapabilities(host: HostConfig): string[] {
  const request: CapabilityRequest = {
    privileged: host.Privileged ?? false,
    add: host.CapAdd ?? [],
    drop: host.CapDrop ?? [],
  };
  return resolveCapabilities(request, ownCapabilities());
}

function buildProcess(input: SpecInput, capabilities: string[], noNewPrivileges: boolean): OciProcess {
  const { host } = input;
  const rlimits = (host.Ulimits ?? []).map(({ Name, Soft, Hard }) => ({
    type: `RLIMIT_${Name.toUpperCase()}`,
    soft: Soft,
    hard: Hard,
  }));
  const size = host.ConsoleSize;
  return {
    terminal: input.terminal,
    ...(input.terminal && size?.[0] && size[1] ? { consoleSize: { height: size[0], width: size[1] } } : {}),
    user: {
      uid: input.user.uid,
      gid: input.user.gid,
      ...(input.user.additionalGids.length > 0 ? { additionalGids: [...input.user.additionalGids] } : {}),
    },
    args: [...input.args],
    env: [...input.env],
    cwd: input.cwd,
    capabilities: capabilitySets(capabilities, input.user.uid),
    ...(rlimits.length > 0 ? { rlimits } : {}),
    noNewPrivileges,
    ...(host.OomScoreAdj ? { oomScoreAdj: host.OomScoreAdj } : {}),
  };
}

/** The NIS domain name is a setting: runc before 1.2 knows no field for it. */
function sysctls({ host, domainname }: SpecInput): { sysctl?: Record<string, string> } {
  const named = domainname !== '' && host.UTSMode !== 'host' ? { 'kernel.domainname': domainname } : {};
  const sysctl = { ...named, ...host.Sysctls };
  return Object.keys(sysctl).length > 0 ? { sysctl } : {};
}

/** Root has the capabilities at once; another user has them in the bounding set only, for set-uid programs. */
export function capabilitySets(capabilities: readonly string[], uid: number): OciProcess['capabilities'] {
  const effective = uid === 0 ? [...capabilities] : [];
  return { bounding: [...capabilities], effective, permitted: effective, inheritable: [], ambient: [] };
}

function namespaces(input: SpecInput): { type: string; path?: string }[] {
  const { host } = input;
  const list: { type: string; path?: string }[] = [{ type: 'mount' }];
  if (input.userNamespace) list.push({ type: 'user', path: input.userNamespace.path });
  if (input.network.kind === 'path') list.push({ type: 'network', path: input.network.path });
  if (host.PidMode !== 'host') list.push({ type: 'pid', ...(input.joined.pid ? { path: input.joined.pid } : {}) });
  if (host.UTSMode !== 'host') list.push({ type: 'uts' });
  if (host.IpcMode !== 'host') list.push({ type: 'ipc', ...(input.joined.ipc ? { path: input.joined.ipc } : {}) });
  if (host.CgroupnsMode !== 'host') list.push({ type: 'cgroup' });
  return list;
}

/** The runtimes want them also of a namespace that is there already: for the owners of what they make before they enter it. */
function idMappings(maps: IdMaps | undefined) {
  const list = (ranges: readonly IdRange[]) =>
    ranges.map(({ inside, outside, count }) => ({ containerID: inside, hostID: outside, size: count }));
  return maps ? { uidMappings: list(maps.uids), gidMappings: list(maps.gids) } : {};
}
