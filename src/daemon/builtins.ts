import { createHash } from 'node:crypto';
import * as path from 'node:path';
import type { Database } from '../base/database.ts';
import { invalid, messageOf, unsupported } from '../base/errors.ts';
import type { Logger } from '../base/log.ts';
import { parseRange } from '../formats/ip-address.ts';
import { type Apparmor, openApparmor, readApparmor } from '../host/apparmor.ts';
import { createCgroupfs, removeEmptyParent } from '../host/cgroup/cgroupfs.ts';
import type { CgroupDriver } from '../host/cgroup/contract.ts';
import { mountMissing, readCgroups } from '../host/cgroup/detect.ts';
import { createSystemdCgroups, systemdRuns } from '../host/cgroup/systemd.ts';
import { bindReadOnly, releaseProgram } from '../host/read-only-program.ts';
import { isSelinuxActive, knowsContext, readLxcContexts } from '../host/security-modules.ts';
import type { SnapshotDriver } from '../images/snapshots/contract.ts';
import { createOverlay2Driver } from '../images/snapshots/drivers/overlay2.ts';
import { createVfsDriver } from '../images/snapshots/drivers/vfs.ts';
import type { LogDriver } from '../logs/contract.ts';
import { createJournaldLogs } from '../logs/drivers/journald.ts';
import { createJsonFileLogs } from '../logs/drivers/json-file.ts';
import { createLocalLogs } from '../logs/drivers/local.ts';
import { createNoLogs } from '../logs/drivers/none.ts';
import { createSyslogLogs } from '../logs/drivers/syslog.ts';
import { createGrowthWatch } from '../logs/growth.ts';
import type { NetworkDriver } from '../networks/driver-contract.ts';
import { createBridgeDriver } from '../networks/drivers/bridge.ts';
import { createHostDriver } from '../networks/drivers/host.ts';
import { createIpvlanDriver } from '../networks/drivers/ipvlan.ts';
import { createMacvlanDriver } from '../networks/drivers/macvlan.ts';
import { createNullDriver } from '../networks/drivers/null.ts';
import { createHostSettings } from '../networks/host-settings.ts';
import type { AddressPool } from '../networks/ipam.ts';
import type { Runtime } from '../runtime/contract.ts';
import { createCrun } from '../runtime/drivers/crun.ts';
import { createOciRuntime } from '../runtime/drivers/oci-command-line.ts';
import { createRunc } from '../runtime/drivers/runc.ts';
import { lightProgram } from '../runtime/light-program.ts';
import type { Monitor } from '../runtime/monitor/contract.ts';
import { createConmonMonitor } from '../runtime/monitor/drivers/conmon.ts';
import { apparmorProfile, defaultApparmorProfile } from '../runtime/spec/apparmor.ts';
import { parseLxcContexts } from '../runtime/spec/selinux.ts';
import type { VolumeDriver } from '../volumes/driver-contract.ts';
import { createLocalDriver } from '../volumes/drivers/local.ts';
import type { DaemonConfig } from './config.ts';
import { findProgram } from './programs.ts';

export type { BridgeOptions } from '../networks/drivers/default-bridge.ts';

/** What containers log with unless they say otherwise. */

/** The one table of drivers. A new driver is one line in here, and one that runs its contract suite on it. */

/** How layers are stored, by `storage-driver`. Each has a folder of its name below the data root. */
const snapshotDrivers: Readonly<Record<string, (root: string) => SnapshotDriver>> = {
  overlay2: createOverlay2Driver,
  vfs: createVfsDriver,
};

/** OCI runtimes that are used where they are installed, the preferred one first. */
const runtimeDrivers = { crun: createCrun, runc: createRunc } as const;
/** Those that are linked to libsystemd for control groups that systemd makes. */
const takeSystemd: readonly string[] = ['crun'];

/** @throws invalid for a name that is none. */
export function openSnapshotDriver({ storageDriver, dataRoot }: DaemonConfig): SnapshotDriver {
  const create = Object.hasOwn(snapshotDrivers, storageDriver) ? snapshotDrivers[storageDriver] : undefined;
  if (!create) {
    throw invalid(`unknown storage driver: ${storageDriver}; there are ${Object.keys(snapshotDrivers).join(', ')}`);
  }
  return create(path.join(dataRoot, storageDriver));
}

/** The runtimes that are installed or configured, by name. Their state lies below the exec root. */
export function openRuntimes(config: DaemonConfig, log: Logger): ReadonlyMap<string, Runtime> {
  const { runtimes, execRoot, runtimeTimeout, cgroupDriver } = config;
  const found = new Map<string, Runtime>();
  const rootOf = (name: string): string => path.join(execRoot, 'runtime', name);
  const limit = runtimeTimeout * 1000;
  for (const [name, create] of Object.entries(runtimeDrivers)) {
    const program = findProgram(name);
    if (!program) continue;
    const shown = bindReadOnly(program, shownProgram(execRoot, name));
    const canBeLight = takeSystemd.includes(name) && cgroupDriver === 'cgroupfs';
    const light = canBeLight ? withoutSystemd(program, config, log) : program;
    const runs = light === program ? shown : bindReadOnly(light, shownProgram(execRoot, `${name}-light`));
    found.set(name, create({ path: shown, runs, root: rootOf(name), cgroupManager: cgroupDriver, limit }));
  }
  for (const [name, { path: program, runtimeArgs = [] }] of Object.entries(runtimes)) {
    const root = rootOf(name);
    const globalArgs = ['--root', root, ...(cgroupDriver === 'systemd' ? ['--systemd-cgroup'] : []), ...runtimeArgs];
    found.set(name, createOciRuntime({ name, path: program, root, globalArgs, limit }));
  }
  return found;
}

const shownProgram = (execRoot: string, name: string): string => path.join(execRoot, 'bin', name);

/** The null device on a mount of its own, for `nullDevice` of the monitors. */
export const openNullDevice = ({ execRoot }: DaemonConfig): string =>
  bindReadOnly('/dev/null', shownProgram(execRoot, 'null'), { device: true });

/** Takes away what `openRuntimes` and `openNullDevice` mounted. Containers that run do not need it. */
export function closeRuntimes({ execRoot }: DaemonConfig): void {
  const light = takeSystemd.map((name) => `${name}-light`);
  for (const name of [...Object.keys(runtimeDrivers), ...light, 'null']) releaseProgram(shownProgram(execRoot, name));
}

/** @throws unsupported when there is no runtime at all, invalid when the one that is asked for is not there. */
export function chooseDefaultRuntime(asked: string | undefined, runtimes: ReadonlyMap<string, Runtime>): string {
  const name = asked ?? runtimes.keys().next().value;
  if (name === undefined) throw unsupported('no OCI runtime is installed: install the package "crun" or "runc"');
  if (!runtimes.has(name)) throw invalid(`specified default runtime '${name}' does not exist`);
  return name;
}

/** What security modules give to containers; warns where SELinux was asked for and is not there, as Docker does. */
export function openSecurityModules({ selinuxEnabled, storageDriver }: DaemonConfig, log: Logger) {
  const selinux = selinuxEnabled ? parseLxcContexts(readLxcContexts() ?? '') : undefined;
  if (selinux && storageDriver !== 'overlay2')
    throw unsupported(`selinux-enabled: the storage driver "${storageDriver}" cannot label files; use overlay2`);
  const unknown = selinux && [selinux.process, selinux.file].find((context) => !knowsContext(context));
  if (unknown !== undefined)
    throw unsupported(
      `selinux-enabled: the policy that is loaded does not know ${unknown}, which its lxc_contexts names; install its module for containers`,
    );
  if (selinuxEnabled && !selinux) log.warn('SELinux cannot be enabled: it is not active on this host');
  return { selinux, apparmor: openDefaultProfile(log) };
}

/** AppArmor with the default profile; warns where it is on and gives containers none. */
function openDefaultProfile(log: Logger): Apparmor | undefined {
  const parser = findProgram('apparmor_parser');
  const apparmor = openApparmor({ name: defaultApparmorProfile, text: apparmorProfile, parser });
  if (readApparmor().kernel === 'hidden')
    log.warn('AppArmor is on, but its profiles cannot be seen below /sys/kernel/security: containers run without one');
  else if (apparmor && apparmor.defaultProfile === undefined)
    log.warn('AppArmor is on, but apparmor_parser is not installed: containers run without the default profile');
  return apparmor;
}

/** For the start of an engine, which goes on without: a container's start tries again, and tells what is wrong. */
export async function loadDefaultProfile(apparmor: Apparmor | undefined, log: Logger): Promise<void> {
  if (apparmor?.defaultProfile === undefined) return;
  const profile = apparmor.defaultProfile;
  if (apparmor.has(profile)) return log.info('the AppArmor profile is loaded already, and used as it is', { profile });
  try {
    await apparmor.load();
    log.info('loaded the AppArmor profile', { profile });
  } catch (error) {
    log.error(messageOf(error));
  }
}

/** Whether CRIU is there, which the runtimes call for checkpoints. */
export const findCriu = (): boolean => findProgram('criu') !== undefined;

/** The static init that `--init` puts first, or undefined where none is installed. */
export function findInit(): string | undefined {
  return findProgram('tini-static', 'docker-init', 'catatonit');
}

/** @throws unsupported where conmon is not installed. */
export function openMonitor(config: DaemonConfig, log: Logger): Monitor {
  const installed = findProgram('conmon');
  if (!installed) throw unsupported('no container monitor is installed: install the package "conmon"');
  return createConmonMonitor({ conmonPath: withoutSystemd(installed, config, log) });
}

/** SELinux gives processes their domain by the label of the program's file, which a copy would not have. */
function withoutSystemd(installed: string, { dataRoot }: DaemonConfig, log: Logger): string {
  const name = path.basename(installed);
  const told = (error: unknown): void => log.info(`${name} is used as it is installed`, { error });
  return isSelinuxActive() ? installed : lightProgram(installed, path.join(dataRoot, 'programs'), told);
}

export function openVolumeDrivers({ dataRoot }: DaemonConfig): VolumeDriver[] {
  return [createLocalDriver(path.join(dataRoot, 'volumes'))];
}

export function openNetworkDrivers(config: DaemonConfig, engineId: string, database: Database): NetworkDriver[] {
  const { bridgeName, defaultBridge } = config.network;
  const { hostBinding, masquerade, policy } = config.publishing;
  const options = { ...config.network.options, hostBinding, masquerade };
  const settings = createHostSettings(database);
  const pools = addressPools(config, engineId);
  return [
    createBridgeDriver({ engineId, bridgeName, defaultBridge, settings, options, policy, pools }),
    createHostDriver(),
    createIpvlanDriver(engineId),
    createMacvlanDriver(engineId),
    createNullDriver(),
  ];
}

/** Where subnets of networks are chosen from. IPv6 has a part of fd00::/8 that is this engine's alone (RFC 4193), unless pools of it are configured. */
export function addressPools({ network: { pools } }: DaemonConfig, engineId: string): readonly AddressPool[] {
  if (pools.some(({ base }) => base.family === 6)) return pools;
  const digits = createHash('sha256').update(engineId).digest('hex');
  const base = `fd${digits.slice(0, 2)}:${digits.slice(2, 6)}:${digits.slice(6, 10)}::/48`;
  return [...pools, { base: parseRange(base), size: 64 }];
}

/**
 * Log drivers by name, and the engine's default of them, checked. `close` when nothing is logged any more.
 * @throws invalid for a default driver that does not exist, or options it does not take.
 */
export function openLogDrivers(monitor: Monitor, { logDriver, logOptions }: DaemonConfig, log: Logger) {
  const growth = createGrowthWatch();
  const parts = { parseLog: monitor.parseLog, care: { growth, log } };
  const drivers: LogDriver[] = [
    createJournaldLogs(parts),
    createJsonFileLogs(parts),
    createLocalLogs(parts),
    createNoLogs(),
    createSyslogLogs(parts),
  ];
  const logDrivers: ReadonlyMap<string, LogDriver> = new Map(drivers.map((driver) => [driver.name, driver]));
  const chosen = logDrivers.get(logDriver);
  if (!chosen) throw invalid(`logger: no log driver named '${logDriver}' is registered`);
  chosen.check(logOptions);
  return { logDrivers, defaultLogDriver: logDriver, defaultLogOptions: logOptions, close: () => growth.close() };
}

/**
 * The control groups of this host. Where it has v1 hierarchies but lacks some (a v2 mount beside them may hold
 * `hugetlb`, and then crun refuses to run), the missing ones are mounted, as the package cgroupfs-mount does.
 * @throws unsupported for systemd's where systemd does not run.
 */
export function openCgroups(
  { cgroupDriver }: DaemonConfig,
  engineId: string,
  log: Logger,
): { driver: CgroupDriver; close(): Promise<void> } {
  let hierarchies = readCgroups();
  if (hierarchies.mode !== 'v2' && hierarchies.missing.length > 0) {
    const { mounted, failed } = mountMissing(hierarchies);
    if (mounted.length > 0) log.info('mounted the cgroup hierarchies that were missing', { controllers: mounted });
    for (const { name, error } of failed) log.warn('a cgroup hierarchy cannot be mounted', { name, error });
    hierarchies = readCgroups();
  }
  const options = { hierarchies, engineId };
  if (cgroupDriver === 'systemd')
    return { driver: createSystemdCgroups({ ...options, systemctl: findSystemctl() }), close: async () => {} };
  return { driver: createCgroupfs(options), close: () => removeEmptyParent(options) };
}

function findSystemctl(): string {
  const program = findProgram('systemctl');
  if (program === undefined || !systemdRuns())
    throw unsupported('exec-opts: native.cgroupdriver=systemd needs systemd, which does not run on this host');
  return program;
}
