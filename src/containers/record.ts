import type { ContainerConfig, ContainerStatus, EndpointConfig, HostConfig } from '../api/types/container.ts';

import type { ContainerChange } from '../api/types/container-update.ts';
import type { MemoryUse } from '../host/cgroup/contract.ts';
import type { SelinuxLabels } from '../runtime/spec/selinux.ts';
import type { ContainerMount } from './mount-requests.ts';

/** A container as the state keeps it: what it is made of, which never changes but for its name and limits, and how it is. */
export interface ContainerRecord {
  readonly id: string;
  name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly imageId: string;
  /** The image as the user named it. */
  readonly imageName: string;
  /** The request merged with the image's configuration. */
  readonly config: ContainerConfig;
  readonly host: HostConfig;
  readonly endpoints: Readonly<Record<string, EndpointConfig>>;
  /** Chain-ids of the image, bottom first. */
  readonly layers: readonly string[];
  readonly platform: string;
  readonly path: string;
  readonly args: readonly string[];
  /** What updates changed, oldest first. */
  readonly changes?: readonly ContainerChange[];
  /** All that is mounted into it but `--tmpfs`; absent in what an older tug recorded. */
  readonly mounts?: readonly ContainerMount[];
  /** SELinux's, where the engine gives them. */
  readonly labels?: SelinuxLabels;
  state: RecordedState;
}

export interface RecordedState {
  readonly status: ContainerStatus;
  readonly pid: number;
  readonly monitorPid: number;
  /** Start times of both processes (proc_pid_stat(5), field 22), so that a reused pid is not taken for them. */
  readonly pidStart: number;
  readonly monitorStart: number;
  /** RFC 3339, or Docker's zero time. */
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  readonly error: string;
  /** Of the last run, read when it ended; null where it could not be. */
  readonly memory: MemoryUse | null;
  /** Restarts by policy since somebody started it. */
  readonly restartCount: number;
  /** Milliseconds that it waited, or waits, before the last restart; 0 for none. */
  readonly backoff: number;
  /** Why it is to end, or ended; says what follows its end. Empty when nobody asked. */
  readonly asked: '' | 'stop' | 'restart' | 'unhealthy';
}

/** How Go prints the time that never was, which clients look for. */
export const zeroTime = '0001-01-01T00:00:00Z';

export const initialState: RecordedState = {
  status: 'created',
  pid: 0,
  monitorPid: 0,
  pidStart: 0,
  monitorStart: 0,
  startedAt: zeroTime,
  finishedAt: zeroTime,
  exitCode: 0,
  oomKilled: false,
  error: '',
  memory: null,
  restartCount: 0,
  backoff: 0,
  asked: '',
};

/** True while the container has a process. */
export const isRunning = (record: ContainerRecord): boolean =>
  record.state.status === 'running' || record.state.status === 'paused';

/** What Docker calls running: it has a process, or waits for its next one. */
export const isActive = (record: ContainerRecord): boolean => isRunning(record) || record.state.status === 'restarting';

/** What `inspect` says of a container whose end nobody recorded. */
export const LOST_CODE = 255;
export const LOST_SENTENCE =
  'the container ended without its monitor recording an exit code: the monitor was killed, or the host was restarted';
