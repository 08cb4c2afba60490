import type { EndpointConfig } from './container-request.ts';
import type { ContainerChange } from './container-update.ts';

export type {
  ContainerConfig,
  CreateRequest,
  EndpointConfig,
  ExecCreateRequest,
  ExecStartRequest,
  HostConfig,
  MountRequest,
  PortBinding,
} from './container-request.ts';

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
  /** Only where health is checked and the container was started. */
  Health?: HealthState;
}

export interface HealthState {
  Status: 'starting' | 'healthy' | 'unhealthy';
  FailingStreak: number;
  /** Oldest first. Times are RFC 3339; the exit code is -1 for a check that was killed or could not be run. */
  Log: { Start: string; End: string; ExitCode: number; Output: string }[];
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
  /** tug's own: what updates changed, oldest first. */
  Changes: ContainerChange[];
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
  Health: { Status: 'none' | HealthState['Status']; FailingStreak: number };
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

/** `POST /containers/prune`. */
export interface ContainersPruned {
  ContainersDeleted: string[] | null;
  SpaceReclaimed: number;
}

/** An element of `GET /containers/{id}/changes`. `Kind`: 0 modified, 1 added, 2 deleted. */
export interface FilesystemChange {
  Path: string;
  Kind: 0 | 1 | 2;
}

export interface CreateResponse {
  Id: string;
  Warnings: string[];
}

export interface WaitResponse {
  StatusCode: number;
  Error?: { Message: string };
}

/** What `X-Docker-Container-Path-Stat` says of a path. */
export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Bits of Go's `fs.FileMode`. */
  readonly mode: number;
  /** RFC 3339 with nanoseconds. */
  readonly mtime: string;
  /** For a link, the absolute path inside the container that it leads to in the end; else empty. */
  readonly linkTarget: string;
}
