import type { ContainerStatus } from '../api/types/container.ts';
import type { OciSpec } from './spec/types.ts';

/**
 * An OCI runtime (crun, runc, or any other with their command line). Monitors run its `create` and `exec`;
 * the engine itself runs the rest through this interface.
 */
export interface Runtime {
  /** The name containers ask for: `crun`, `runc`, or a key of daemon.json's `runtimes`. */
  readonly name: string;
  /** The binary's absolute path. */
  readonly path: string;
  /** Arguments before the sub-command, such as `--root DIR --cgroup-manager=cgroupfs`. */
  readonly globalArgs: readonly string[];
  /** Milliseconds that one run of it may take, the monitors' runs included; it is killed then, and the call throws unavailable. */
  readonly limit: number;
  /**
   * Its `exec` without `--detach` stays with the process, on the descriptors that it was given, and leaves with the
   * process's exit code; the pid file is written when the command was found; `--log` takes its own words.
   */
  readonly execStays?: boolean;
  /** Rewrites a spec into one of the same meaning that this runtime is quicker with. */
  prepare?(spec: OciSpec): OciSpec;
  /** First line of `--version`. */
  version(): Promise<string>;
  /** Starts the user's process of a created container. @throws with the runtime's own words. */
  start(id: string): Promise<void>;
  /** Sends a signal; `all` to every process in it. @throws not-found when it does not exist, conflict when it has ended. */
  kill(id: string, signal: number, all?: boolean): Promise<void>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Removes what the runtime keeps of a container, killing it first with `force`. Its control group may stay: see `CgroupDriver.remove`. Idempotent. */
  delete(id: string, force: boolean): Promise<void>;
  /** What the runtime knows, or undefined when it knows no such container. */
  state(id: string): Promise<RuntimeState | undefined>;
  /** Ids of all containers under this engine's runtime root. */
  list(): Promise<string[]>;
  /**
   * Writes what a container's processes are, and with `exit` ends them. @throws unsupported for a runtime that is built
   * without CRIU; with the runtime's own words.
   */
  checkpoint(id: string, options: CheckpointOptions): Promise<void>;
  /** Applies changed limits, an OCI `linux.resources` object. */
  update(id: string, resources: object): Promise<void>;
}

export interface CheckpointOptions {
  /** An empty folder, for what is kept. */
  readonly images: string;
  /** For CRIU's log. */
  readonly work: string;
  readonly exit: boolean;
}

/** Of `checkpoint` and `restore`: connections and locks on files are kept where they can be. */
export const checkpointArgs = ['--tcp-established', '--file-locks'];

export interface RuntimeState {
  readonly status: 'creating' | 'created' | 'running' | 'paused' | 'stopped';
  readonly pid: number;
}

/** How the engine's container status follows from what was asked of the runtime; kept here so both sides agree. */
export type { ContainerStatus };
