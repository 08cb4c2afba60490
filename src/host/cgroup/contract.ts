/**
 * Where containers' control groups lie and how they are read and changed. The `cgroupfs` driver serves
 * the three shapes a host can have (v1, v2, hybrid); `systemd` asks systemd for scopes.
 */
export type CgroupMode = 'v1' | 'v2' | 'hybrid';

export interface CgroupDriver {
  readonly name: 'cgroupfs' | 'systemd';
  readonly mode: CgroupMode;
  /** What `linux.cgroupsPath` of the OCI spec must say for a container. */
  pathFor(containerId: string, parent: string | undefined): string;
  /** Current use, or undefined when the group is gone. */
  stats(path: string): Promise<CgroupStats | undefined>;
  /** Process ids in the group and below; empty when it is gone. */
  processes(path: string): Promise<number[]>;
  /** Kills what is left in the group and removes its directories in all hierarchies. Idempotent. */
  remove(path: string): Promise<void>;
  /** Paths (as `pathFor` gives them) of groups that exist under the engine's own default parent. */
  list(): Promise<string[]>;
}

/** Bytes and nanoseconds, from whichever files the shape has. */
export interface CgroupStats {
  readonly cpu: {
    total: bigint;
    user: bigint;
    system: bigint;
    throttledPeriods: number;
    throttledTime: bigint;
    periods: number;
  };
  readonly memory: { usage: number; limit: number; cache: number; details: Record<string, number> };
  readonly pids: { current: number; limit: number | undefined };
  readonly blkio: { device: string; operation: 'read' | 'write'; bytes: number; count: number }[];
}
