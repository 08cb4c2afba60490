import { readdirSync, readFileSync } from 'node:fs';
import * as os from 'node:os';
import type { InfoResponse, VersionResponse } from '../api/types/system.ts';
import { apiVersion, minApiVersion } from '../api/version.ts';
import { tugVersion } from '../base/version.ts';
import type { ContainerService } from '../containers/contract.ts';
import { defaultDomain } from '../formats/reference.ts';
import type { CgroupDriver } from '../host/cgroup/contract.ts';
import { readSysctl } from '../host/sysctl.ts';
import type { ImageService } from '../images/contract.ts';
import type { LogDriver } from '../logs/contract.ts';
import { defaultIndexHost } from '../registry-client/well-known.ts';
import type { Runtime } from '../runtime/contract.ts';
import { kernelHasSeccomp } from '../runtime/spec/security.ts';
import type { VolumeService } from '../volumes/contract.ts';
import type { DaemonConfig } from './config.ts';
import { withoutPassword } from './proxies.ts';

/** What `/info` tells of. */
export interface InfoSource {
  readonly engineId: string;
  readonly config: DaemonConfig;
  readonly containers: Pick<ContainerService, 'counts'>;
  readonly images: Pick<ImageService, 'count'>;
  readonly cgroups: CgroupDriver;
  readonly runtimes: ReadonlyMap<string, Runtime>;
  readonly defaultRuntime: string;
  readonly networkDrivers: readonly string[];
  readonly volumes: Pick<VolumeService, 'drivers'>;
  readonly logDrivers: ReadonlyMap<string, LogDriver>;
  readonly defaultLogDriver: string;
  readonly initPath: string | undefined;
  readonly remap: object | undefined;
  readonly selinux: object | undefined;
  readonly apparmor: object | undefined;
}

/** Go's names of processor architectures, which Docker's clients expect in `/version`. */
const goArchitectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** `GET /version`. */
export function versionResponse(): VersionResponse {
  const facts = {
    ApiVersion: apiVersion,
    MinAPIVersion: minApiVersion,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: goArchitectures[process.arch] ?? process.arch,
    KernelVersion: os.release(),
    BuildTime: '',
  };
  const details = { ...facts, Experimental: 'false', NodeVersion: process.versions.node };
  return {
    Platform: { Name: 'tug' },
    Components: [{ Name: 'Engine', Version: tugVersion, Details: details }],
    Version: tugVersion,
    ...facts,
  };
}

/** `GET /info`. */
export async function infoResponse(source: InfoSource): Promise<InfoResponse> {
  const counts = source.containers.counts();
  return {
    ID: source.engineId,
    Containers: counts.total,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: source.images.count(),
    ServerVersion: tugVersion,
    ...hostFacts(),
    ...engineFacts(source),
    ...limitFacts(source.cgroups),
    ...(await runtimeFacts(source)),
    ...registryFacts(source.config),
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    Warnings: [],
  };
}

function hostFacts() {
  const release = osRelease();
  return {
    Name: os.hostname(),
    KernelVersion: os.release(),
    OperatingSystem: release.get('PRETTY_NAME') ?? '',
    OSVersion: release.get('VERSION_ID') ?? '',
    OSType: 'linux',
    Architecture: os.machine(),
    NCPU: os.availableParallelism(),
    MemTotal: os.totalmem(),
    SystemTime: new Date().toISOString(),
    IPv4Forwarding: readSysctl('net/ipv4/ip_forward') === '1',
  };
}

function engineFacts(source: InfoSource) {
  const { remap, selinux, apparmor, config, networkDrivers, volumes, logDrivers, defaultLogDriver, cgroups } = source;
  const security = [
    ...(apparmor ? ['name=apparmor'] : []),
    ...(kernelHasSeccomp() ? ['name=seccomp,profile=builtin'] : []),
    ...(selinux ? ['name=selinux'] : []),
    ...(remap ? ['name=userns'] : []),
  ];
  return {
    Driver: config.storageDriver,
    DriverStatus: [],
    DockerRootDir: config.dataRoot,
    Plugins: {
      Volume: volumes.drivers(),
      Network: networkDrivers,
      Authorization: null,
      Log: [...logDrivers.keys()].filter((name) => name !== 'none'),
    },
    LoggingDriver: defaultLogDriver,
    Debug: config.logLevel === 'debug',
    NFd: readdirSync('/proc/self/fd').length,
    NGoroutines: 0,
    NEventsListener: 0,
    Labels: config.labels,
    ExperimentalBuild: false,
    LiveRestoreEnabled: true,
    Isolation: '',
    SecurityOptions: cgroups.mode === 'v2' ? [...security, 'name=cgroupns'] : security,
    FirewallBackend: { Driver: 'nftables' },
    ProductLicense: '',
    GenericResources: null,
    DefaultAddressPools: [],
    CDISpecDirs: [],
    DiscoveredDevices: [],
  };
}

function limitFacts(cgroups: CgroupDriver) {
  return {
    CgroupDriver: cgroups.name,
    CgroupVersion: cgroups.mode === 'v2' ? '2' : '1',
    MemoryLimit: true,
    SwapLimit: true,
    CpuCfsPeriod: true,
    CpuCfsQuota: true,
    CPUShares: true,
    CPUSet: true,
    PidsLimit: true,
    OomKillDisable: cgroups.mode !== 'v2',
  };
}

async function runtimeFacts({ runtimes, defaultRuntime, initPath }: InfoSource) {
  const version = await runtimes.get(defaultRuntime)?.version();
  return {
    Runtimes: Object.fromEntries([...runtimes.values()].map(({ name, path }) => [name, { path }])),
    DefaultRuntime: defaultRuntime,
    InitBinary: initPath ?? '',
    RuncCommit: { ID: version ?? '' },
    ContainerdCommit: { ID: '' },
    InitCommit: { ID: '' },
  };
}

function registryFacts({ registryMirrors, registries, insecureRegistries, searchRegistries }: DaemonConfig) {
  const networks = insecureRegistries.filter((entry) => entry.includes('/'));
  const named = insecureRegistries.filter((entry) => !entry.includes('/'));
  const index = (name: string, mirrors: readonly string[], secure: boolean, official: boolean) =>
    [name, { Name: name, Mirrors: mirrors, Secure: secure, Official: official }] as const;
  const mirrorsOf = (name: string): readonly string[] => registries[name]?.mirrors ?? [];
  const others = Object.keys(registries).filter((name) => name !== defaultDomain && !named.includes(name));
  return {
    IndexServerAddress: `https://${defaultIndexHost}/v1/`,
    HttpProxy: withoutPassword(process.env['HTTP_PROXY'] ?? process.env['http_proxy'] ?? ''),
    HttpsProxy: withoutPassword(process.env['HTTPS_PROXY'] ?? process.env['https_proxy'] ?? ''),
    NoProxy: process.env['NO_PROXY'] ?? process.env['no_proxy'] ?? '',
    RegistryConfig: {
      InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8', ...networks],
      IndexConfigs: Object.fromEntries([
        index(defaultDomain, [...registryMirrors, ...mirrorsOf(defaultDomain)], true, true),
        ...named.map((name) => index(name, mirrorsOf(name), false, false)),
        ...others.map((name) => index(name, mirrorsOf(name), true, false)),
      ]),
      Mirrors: registryMirrors,
      // tug's own: by it the command line knows which logins a name without a registry may need
      ...(searchRegistries.length > 0 ? { Search: searchRegistries } : {}),
    },
  };
}

/** /etc/os-release (os-release(5)). */
function osRelease(): Map<string, string> {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^([A-Z_]+)=(?:"(.*)"|(.*))$/gm);
    return new Map([...lines].map(([, key, quoted, bare]) => [key!, quoted ?? bare ?? '']));
  } catch {
    return new Map(); // a host without one has no name to tell
  }
}
