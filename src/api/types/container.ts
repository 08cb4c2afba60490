import { z } from 'zod';

/**
 * What clients send about containers (Engine API v1.55, ContainerConfig, HostConfig, NetworkingConfig).
 * Fields tug knows are typed here; which values it can honour is decided in `containers/create.ts`, which
 * refuses the rest with a sentence. Fields that are not listed are dropped, as Docker drops them.
 */
const stringList = z.array(z.string());
const stringMap = z.record(z.string(), z.string());
/** Docker takes a string where a list is meant, for Cmd and Entrypoint. */
const stringOrList = z.union([z.string().transform((text) => [text]), stringList]);
const flags = z.record(z.string(), z.object({}));
const integer = z.number().int();

export const healthConfig = z.object({
  Test: stringList.optional(),
  Interval: integer.optional(),
  Timeout: integer.optional(),
  StartPeriod: integer.optional(),
  StartInterval: integer.optional(),
  Retries: integer.optional(),
});

export const containerConfig = z.object({
  Hostname: z.string().optional(),
  Domainname: z.string().optional(),
  User: z.string().optional(),
  AttachStdin: z.boolean().optional(),
  AttachStdout: z.boolean().optional(),
  AttachStderr: z.boolean().optional(),
  ExposedPorts: flags.optional(),
  Tty: z.boolean().optional(),
  OpenStdin: z.boolean().optional(),
  StdinOnce: z.boolean().optional(),
  Env: stringList.optional(),
  Cmd: stringOrList.optional(),
  Healthcheck: healthConfig.optional(),
  ArgsEscaped: z.boolean().optional(),
  Image: z.string().optional(),
  Volumes: flags.optional(),
  WorkingDir: z.string().optional(),
  Entrypoint: stringOrList.optional(),
  NetworkDisabled: z.boolean().optional(),
  MacAddress: z.string().optional(),
  OnBuild: stringList.optional(),
  Labels: stringMap.optional(),
  StopSignal: z.string().optional(),
  StopTimeout: integer.optional(),
  Shell: stringList.optional(),
});

export const portBinding = z.object({ HostIp: z.string().optional(), HostPort: z.string().optional() });

export const mountRequest = z.object({
  Type: z.string().optional(),
  Source: z.string().optional(),
  Target: z.string().optional(),
  ReadOnly: z.boolean().optional(),
  Consistency: z.string().optional(),
  BindOptions: z
    .object({
      Propagation: z.string().optional(),
      NonRecursive: z.boolean().optional(),
      CreateMountpoint: z.boolean().optional(),
      ReadOnlyNonRecursive: z.boolean().optional(),
      ReadOnlyForceRecursive: z.boolean().optional(),
    })
    .optional(),
  VolumeOptions: z
    .object({
      NoCopy: z.boolean().optional(),
      Labels: stringMap.optional(),
      Subpath: z.string().optional(),
      DriverConfig: z.object({ Name: z.string().optional(), Options: stringMap.optional() }).optional(),
    })
    .optional(),
  ImageOptions: z.object({ Subpath: z.string().optional() }).optional(),
  TmpfsOptions: z
    .object({ SizeBytes: integer.optional(), Mode: integer.optional(), Options: z.array(stringList).optional() })
    .optional(),
});

const weightDevice = z.object({ Path: z.string(), Weight: integer });
const rateDevice = z.object({ Path: z.string(), Rate: integer });

export const hostConfig = z.object({
  CpuShares: integer.optional(),
  Memory: integer.optional(),
  CgroupParent: z.string().optional(),
  BlkioWeight: integer.optional(),
  BlkioWeightDevice: z.array(weightDevice).optional(),
  BlkioDeviceReadBps: z.array(rateDevice).optional(),
  BlkioDeviceWriteBps: z.array(rateDevice).optional(),
  BlkioDeviceReadIOps: z.array(rateDevice).optional(),
  BlkioDeviceWriteIOps: z.array(rateDevice).optional(),
  CpuPeriod: integer.optional(),
  CpuQuota: integer.optional(),
  CpuRealtimePeriod: integer.optional(),
  CpuRealtimeRuntime: integer.optional(),
  CpusetCpus: z.string().optional(),
  CpusetMems: z.string().optional(),
  Devices: z
    .array(z.object({ PathOnHost: z.string(), PathInContainer: z.string(), CgroupPermissions: z.string() }))
    .optional(),
  DeviceCgroupRules: stringList.optional(),
  DeviceRequests: z.array(z.looseObject({})).optional(),
  KernelMemoryTCP: integer.optional(),
  MemoryReservation: integer.optional(),
  MemorySwap: integer.optional(),
  MemorySwappiness: integer.optional(),
  NanoCpus: integer.optional(),
  OomKillDisable: z.boolean().optional(),
  Init: z.boolean().optional(),
  PidsLimit: integer.optional(),
  Ulimits: z.array(z.object({ Name: z.string(), Soft: integer, Hard: integer })).optional(),
  Binds: stringList.optional(),
  ContainerIDFile: z.string().optional(),
  LogConfig: z.object({ Type: z.string().optional(), Config: stringMap.optional() }).optional(),
  NetworkMode: z.string().optional(),
  PortBindings: z.record(z.string(), z.array(portBinding).nullable()).optional(),
  RestartPolicy: z.object({ Name: z.string().optional(), MaximumRetryCount: integer.optional() }).optional(),
  AutoRemove: z.boolean().optional(),
  VolumeDriver: z.string().optional(),
  VolumesFrom: stringList.optional(),
  Mounts: z.array(mountRequest).optional(),
  ConsoleSize: z.array(integer).length(2).optional(),
  Annotations: stringMap.optional(),
  CapAdd: stringList.optional(),
  CapDrop: stringList.optional(),
  CgroupnsMode: z.string().optional(),
  Dns: stringList.optional(),
  DnsOptions: stringList.optional(),
  DnsSearch: stringList.optional(),
  ExtraHosts: stringList.optional(),
  GroupAdd: stringList.optional(),
  IpcMode: z.string().optional(),
  Cgroup: z.string().optional(),
  Links: stringList.optional(),
  OomScoreAdj: integer.optional(),
  PidMode: z.string().optional(),
  Privileged: z.boolean().optional(),
  PublishAllPorts: z.boolean().optional(),
  ReadonlyRootfs: z.boolean().optional(),
  SecurityOpt: stringList.optional(),
  StorageOpt: stringMap.optional(),
  Tmpfs: stringMap.optional(),
  UTSMode: z.string().optional(),
  UsernsMode: z.string().optional(),
  ShmSize: integer.optional(),
  Sysctls: stringMap.optional(),
  Runtime: z.string().optional(),
  Isolation: z.string().optional(),
  MaskedPaths: stringList.optional(),
  ReadonlyPaths: stringList.optional(),
});

export const endpointConfig = z.object({
  IPAMConfig: z
    .object({
      IPv4Address: z.string().optional(),
      IPv6Address: z.string().optional(),
      LinkLocalIPs: stringList.optional(),
    })
    .optional(),
  Links: stringList.optional(),
  Aliases: stringList.optional(),
  NetworkID: z.string().optional(),
  MacAddress: z.string().optional(),
  DriverOpts: stringMap.optional(),
  GwPriority: integer.optional(),
});

export const createRequest = containerConfig.extend({
  HostConfig: hostConfig.optional(),
  NetworkingConfig: z.object({ EndpointsConfig: z.record(z.string(), endpointConfig).optional() }).optional(),
});

export const execCreateRequest = z.object({
  User: z.string().optional(),
  Privileged: z.boolean().optional(),
  Tty: z.boolean().optional(),
  ConsoleSize: z.array(integer).length(2).optional(),
  AttachStdin: z.boolean().optional(),
  AttachStdout: z.boolean().optional(),
  AttachStderr: z.boolean().optional(),
  DetachKeys: z.string().optional(),
  Env: stringList.optional(),
  WorkingDir: z.string().optional(),
  Cmd: stringList.optional(),
});

export const execStartRequest = z.object({
  Detach: z.boolean().optional(),
  Tty: z.boolean().optional(),
  ConsoleSize: z.array(integer).length(2).optional(),
});

export type ContainerConfig = z.infer<typeof containerConfig>;
export type HostConfig = z.infer<typeof hostConfig>;
export type EndpointConfig = z.infer<typeof endpointConfig>;
export type CreateRequest = z.infer<typeof createRequest>;
export type ExecCreateRequest = z.infer<typeof execCreateRequest>;
export type ExecStartRequest = z.infer<typeof execStartRequest>;
export type MountRequest = z.infer<typeof mountRequest>;
export type PortBinding = z.infer<typeof portBinding>;

export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';

/** `State` of an inspected container. */
export interface ContainerState {
  Status: ContainerStatus;
  Running: boolean;
  Paused: boolean;
  Restarting: boolean;
  OOMKilled: boolean;
  Dead: boolean;
  Pid: number;
  ExitCode: number;
  Error: string;
  StartedAt: string;
  FinishedAt: string;
}

/** `NetworkSettings.Networks.NAME` of an inspected container. */
export interface EndpointSettings {
  IPAMConfig: EndpointConfig['IPAMConfig'] | null;
  Links: string[] | null;
  Aliases: string[] | null;
  MacAddress: string;
  DriverOpts: Record<string, string> | null;
  GwPriority: number;
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  IPv6Gateway: string;
  GlobalIPv6Address: string;
  GlobalIPv6PrefixLen: number;
  DNSNames: string[] | null;
}

export interface MountPoint {
  Type: string;
  Name?: string;
  Source: string;
  Destination: string;
  Driver?: string;
  Mode: string;
  RW: boolean;
  Propagation: string;
}

/** `GET /containers/{id}/json`. */
export interface ContainerInspect {
  Id: string;
  Created: string;
  Path: string;
  Args: string[];
  State: ContainerState;
  Image: string;
  ResolvConfPath: string;
  HostnamePath: string;
  HostsPath: string;
  LogPath: string;
  Name: string;
  RestartCount: number;
  Driver: string;
  Platform: string;
  MountLabel: string;
  ProcessLabel: string;
  AppArmorProfile: string;
  ExecIDs: string[] | null;
  HostConfig: Record<string, unknown>;
  GraphDriver?: { Name: string; Data: Record<string, string> | null };
  SizeRw?: number;
  SizeRootFs?: number;
  Mounts: MountPoint[];
  Config: Record<string, unknown>;
  NetworkSettings: Record<string, unknown> & { Networks: Record<string, EndpointSettings> };
}

export interface PortSummary {
  IP?: string;
  PrivatePort: number;
  PublicPort?: number;
  Type: string;
}

/** An element of `GET /containers/json`. */
export interface ContainerSummary {
  Id: string;
  Names: string[];
  Image: string;
  ImageID: string;
  Command: string;
  Created: number;
  Ports: PortSummary[];
  SizeRw?: number;
  SizeRootFs?: number;
  Labels: Record<string, string>;
  State: ContainerStatus;
  Status: string;
  HostConfig: { NetworkMode: string };
  NetworkSettings: { Networks: Record<string, EndpointSettings> };
  Mounts: MountPoint[];
}

/** `GET /exec/{id}/json`. */
export interface ExecInspect {
  ID: string;
  Running: boolean;
  ExitCode: number | null;
  ProcessConfig: { tty: boolean; entrypoint: string; arguments: string[]; privileged: boolean; user?: string };
  OpenStdin: boolean;
  OpenStderr: boolean;
  OpenStdout: boolean;
  CanRemove: boolean;
  ContainerID: string;
  DetachKeys: string;
  Pid: number;
}

export interface CreateResponse {
  Id: string;
  Warnings: string[];
}

export interface WaitResponse {
  StatusCode: number;
  Error?: { Message: string };
}
