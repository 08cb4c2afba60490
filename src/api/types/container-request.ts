import { z } from 'zod';

/** The kernel ends a text at its first NUL: what comes after it would be dropped in silence. */
const text = z.string().refine((given) => !given.includes('\0'), 'a text must not contain a NUL byte');

/**
 * What clients send about containers (Engine API v1.55, ContainerConfig, HostConfig, NetworkingConfig).
 * Fields tug knows are typed here; which values it can honour is decided in `containers/create.ts`, which
 * refuses the rest with a sentence. Fields that are not listed are dropped, as Docker drops them.
 */
const stringList = z.array(text);
const stringMap = z.record(text, text);
/** Docker takes a string where a list is meant, for Cmd and Entrypoint. */
const stringOrList = z.union([text.transform((word) => [word]), stringList]);
const flags = z.record(text, z.object({}));
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
  Hostname: text.optional(),
  Domainname: text.optional(),
  User: text.optional(),
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
  Image: text.optional(),
  Volumes: flags.optional(),
  WorkingDir: text.optional(),
  Entrypoint: stringOrList.optional(),
  NetworkDisabled: z.boolean().optional(),
  MacAddress: text.optional(),
  OnBuild: stringList.optional(),
  Labels: stringMap.optional(),
  StopSignal: text.optional(),
  StopTimeout: integer.optional(),
  Shell: stringList.optional(),
});

export const portBinding = z.object({ HostIp: text.optional(), HostPort: text.optional() });

export const mountRequest = z.object({
  Type: text.optional(),
  Source: text.optional(),
  Target: text.optional(),
  ReadOnly: z.boolean().optional(),
  Consistency: text.optional(),
  BindOptions: z
    .object({
      Propagation: text.optional(),
      NonRecursive: z.boolean().optional(),
      CreateMountpoint: z.boolean().optional(),
      ReadOnlyNonRecursive: z.boolean().optional(),
      ReadOnlyForceRecursive: z.boolean().optional(),
      /** tug's own: the source's owner and the container's user are each other's. */
      IdMap: z.boolean().optional(),
    })
    .optional(),
  VolumeOptions: z
    .object({
      NoCopy: z.boolean().optional(),
      Labels: stringMap.optional(),
      Subpath: text.optional(),
      DriverConfig: z.object({ Name: text.optional(), Options: stringMap.optional() }).optional(),
    })
    .optional(),
  ImageOptions: z.object({ Subpath: text.optional() }).optional(),
  TmpfsOptions: z
    .object({ SizeBytes: integer.optional(), Mode: integer.optional(), Options: z.array(stringList).optional() })
    .optional(),
});

const weightDevice = z.object({ Path: text, Weight: integer });
const rateDevice = z.object({ Path: text, Rate: integer });

const deviceRequest = z.object({
  Driver: text.optional(),
  Count: integer.optional(),
  DeviceIDs: stringList.optional(),
  Capabilities: z.array(stringList).optional(),
  Options: stringMap.optional(),
});

export const hostConfig = z.object({
  CpuShares: integer.optional(),
  Memory: integer.optional(),
  CgroupParent: text.optional(),
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
  CpusetCpus: text.optional(),
  CpusetMems: text.optional(),
  Devices: z.array(z.object({ PathOnHost: text, PathInContainer: text, CgroupPermissions: text })).optional(),
  DeviceCgroupRules: stringList.optional(),
  DeviceRequests: z.array(deviceRequest).optional(),
  CpuCount: integer.optional(),
  CpuPercent: integer.optional(),
  IOMaximumIOps: integer.optional(),
  IOMaximumBandwidth: integer.optional(),
  KernelMemory: integer.optional(),
  KernelMemoryTCP: integer.optional(),
  MemoryReservation: integer.optional(),
  MemorySwap: integer.optional(),
  MemorySwappiness: integer.optional(),
  NanoCpus: integer.optional(),
  OomKillDisable: z.boolean().optional(),
  Init: z.boolean().optional(),
  PidsLimit: integer.optional(),
  Ulimits: z.array(z.object({ Name: text, Soft: integer, Hard: integer })).optional(),
  Binds: stringList.optional(),
  ContainerIDFile: text.optional(),
  LogConfig: z.object({ Type: text.optional(), Config: stringMap.optional() }).optional(),
  NetworkMode: text.optional(),
  PortBindings: z.record(text, z.array(portBinding).nullable()).optional(),
  RestartPolicy: z.object({ Name: text.optional(), MaximumRetryCount: integer.optional() }).optional(),
  AutoRemove: z.boolean().optional(),
  /** tug's own: restarts it by its policy when it becomes unhealthy. */
  RestartOnUnhealthy: z.boolean().optional(),
  /** tug's own: what it waits for when it comes up with the engine. Ids once it is created. */
  DependsOn: z.array(z.object({ Container: text, Condition: z.enum(['started', 'healthy']).optional() })).optional(),
  /** tug's own: what it may send to elsewhere, each as `--egress` takes it. */
  Egress: stringList.optional(),
  VolumeDriver: text.optional(),
  VolumesFrom: stringList.optional(),
  Mounts: z.array(mountRequest).optional(),
  ConsoleSize: z.array(integer).length(2).optional(),
  Annotations: stringMap.optional(),
  CapAdd: stringList.optional(),
  CapDrop: stringList.optional(),
  CgroupnsMode: text.optional(),
  Dns: stringList.optional(),
  DnsOptions: stringList.optional(),
  DnsSearch: stringList.optional(),
  ExtraHosts: stringList.optional(),
  GroupAdd: stringList.optional(),
  IpcMode: text.optional(),
  Cgroup: text.optional(),
  Links: stringList.optional(),
  OomScoreAdj: integer.optional(),
  PidMode: text.optional(),
  Privileged: z.boolean().optional(),
  PublishAllPorts: z.boolean().optional(),
  ReadonlyRootfs: z.boolean().optional(),
  SecurityOpt: stringList.optional(),
  StorageOpt: stringMap.optional(),
  Tmpfs: stringMap.optional(),
  UTSMode: text.optional(),
  UsernsMode: text.optional(),
  ShmSize: integer.optional(),
  Sysctls: stringMap.optional(),
  Runtime: text.optional(),
  Isolation: text.optional(),
  MaskedPaths: stringList.optional(),
  ReadonlyPaths: stringList.optional(),
});

export const endpointConfig = z.object({
  IPAMConfig: z
    .object({
      IPv4Address: text.optional(),
      IPv6Address: text.optional(),
      LinkLocalIPs: stringList.optional(),
    })
    .optional(),
  Links: stringList.optional(),
  Aliases: stringList.optional(),
  NetworkID: text.optional(),
  MacAddress: text.optional(),
  DriverOpts: stringMap.optional(),
  GwPriority: integer.optional(),
  // What an endpoint has once it is connected: clients send it back empty, and it is not heeded.
  EndpointID: text.optional(),
  Gateway: text.optional(),
  IPAddress: text.optional(),
  IPPrefixLen: integer.optional(),
  IPv6Gateway: text.optional(),
  GlobalIPv6Address: text.optional(),
  GlobalIPv6PrefixLen: integer.optional(),
  DNSNames: stringList.optional(),
});

export const createRequest = containerConfig.extend({
  HostConfig: hostConfig.optional(),
  NetworkingConfig: z.object({ EndpointsConfig: z.record(text, endpointConfig).optional() }).optional(),
});

export const execCreateRequest = z.object({
  User: text.optional(),
  Privileged: z.boolean().optional(),
  Tty: z.boolean().optional(),
  ConsoleSize: z.array(integer).length(2).optional(),
  AttachStdin: z.boolean().optional(),
  AttachStdout: z.boolean().optional(),
  AttachStderr: z.boolean().optional(),
  DetachKeys: text.optional(),
  Env: stringList.optional(),
  WorkingDir: text.optional(),
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
