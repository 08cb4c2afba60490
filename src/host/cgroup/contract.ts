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
  /** Measures a group again and again, until it is disposed of. Nothing is opened before the first sample. */
  sampler(path: string): CgroupSampler;
  /** What a group used of memory at most. Undefined when it is gone. Synchronous, three small reads. */
  memory(path: string): MemoryUse | undefined;
  /**
   * Watches a group that is not there yet for kills for want of memory, beyond its removal: for whoever runs something in
   * it that removes it. `remove` the group afterwards. Undefined where nothing tells (systemd's groups, v1 in a kernel for real time).
   */
  watchKills(path: string): KillWatch | undefined;
  /** Limits that this host's controllers have and others' may lack. */
  readonly limits: ReadonlySet<OptionalLimit>;
  /** Takes limits away, which not every runtime can. @throws the system's error when the group is gone. */
  lift(path: string, limits: readonly LiftedLimit[]): Promise<void>;
  /** Process ids in the group and below; empty when it is gone. */
  processes(path: string): Promise<number[]>;
  /** Kills what is left in the group and removes its directories in all hierarchies. Idempotent. */
  remove(path: string): Promise<void>;
  /** Paths (as `pathFor` gives them) of groups that exist under the engine's own default parent. */
  list(): Promise<string[]>;
}

export interface KillWatch extends Disposable {
  /** What `linux.cgroupsPath` has to say now: the group, or one in it. */
  readonly path: string;
  /** Whether the kernel killed a process of it. To be asked once, when all have ended. */
  happened(): Promise<boolean>;
}

/** Bytes. */
export interface MemoryUse {
  /** 0 for none. */
  readonly limit: number;
  /** 0 where the kernel does not tell. */
  readonly peak: number;
  /** Processes that the kernel killed for want of memory. */
  readonly oomKills: number;
}

export type OptionalLimit = 'blkio-weight' | 'net_cls' | 'net_prio' | 'hugetlb';

export type LiftedLimit = 'cpu-quota' | 'pids';

/** A group's files, kept open: a sample costs one read of each. */
export interface CgroupSampler extends Disposable {
  /** Current use, or undefined when the group is gone. Synchronous. */
  sample(): CgroupStats | undefined;
}

/** Bytes and nanoseconds, from whichever files the shape has. What a shape does not count is undefined. */
export interface CgroupStats {
  readonly cpu: {
    readonly total: number;
    readonly user: number;
    readonly system: number;
    readonly perCpu: readonly number[] | undefined;
    readonly throttledPeriods: number;
    readonly throttledTime: number;
    readonly periods: number;
  };
  readonly memory: {
    readonly usage: number;
    readonly peak: number | undefined;
    /** 0 for none. */
    readonly limit: number;
    /** How often the limit was met. */
    readonly failures: number;
    readonly details: Readonly<Record<string, number>>;
  };
  readonly pids: { readonly current: number; readonly limit: number | undefined };
  readonly blkio: { readonly bytes: readonly BlkioEntry[]; readonly operations: readonly BlkioEntry[] | undefined };
}

export interface BlkioEntry {
  readonly major: number;
  readonly minor: number;
  /** As the kernel names it: `Read` and more in v1, `read` and `write` in v2. */
  readonly operation: string;
  readonly value: number;
}
