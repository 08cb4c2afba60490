/** A record of the build cache, as `GET /system/df` tells of it (Engine API, BuildCache). */
export interface BuildCacheEntry {
  readonly ID: string;
  readonly Parents?: readonly string[];
  /** `regular`, `exec.cachemount`. */
  readonly Type: string;
  readonly Description: string;
  readonly InUse: boolean;
  readonly Shared: boolean;
  /** Bytes. */
  readonly Size: number;
  /** RFC 3339. */
  readonly CreatedAt: string;
  readonly LastUsedAt: string;
  readonly UsageCount: number;
}

/** What `POST /build/prune` answers. */
export interface BuildPruned {
  readonly CachesDeleted: readonly string[];
  /** Bytes. */
  readonly SpaceReclaimed: number;
}

/** The state of a build's steps, as far as it changed (BuildKit's SolveStatus, as JSON has it). */
export interface BuildStatus {
  readonly vertexes?: readonly BuildVertex[];
  readonly statuses?: readonly BuildVertexStatus[];
  readonly logs?: readonly BuildVertexLog[];
  readonly warnings?: readonly BuildVertexWarning[];
}

export interface BuildVertex {
  readonly digest: string;
  readonly inputs?: readonly string[];
  readonly name: string;
  /** RFC 3339. */
  readonly started?: string;
  readonly completed?: string;
  readonly cached?: boolean;
  /** tug's own: why it was not. */
  readonly why?: string;
  /** tug's own: the file and line of the instruction, as `Dockerfile:7`. */
  readonly place?: string;
  readonly error?: string;
}

export interface BuildVertexStatus {
  readonly id: string;
  readonly vertex: string;
  readonly name?: string;
  readonly current: number;
  readonly total?: number;
  readonly timestamp: string;
}

export interface BuildVertexLog {
  readonly vertex: string;
  /** 1 or 2. */
  readonly stream: number;
  /** Base64. */
  readonly data: string;
  readonly timestamp: string;
}

export interface BuildVertexWarning {
  readonly vertex?: string;
  readonly level?: number;
  readonly short: string;
}

/** A line of what `POST /build` answers. */
export interface BuildMessage {
  readonly stream?: string;
  readonly error?: string;
  readonly errorDetail?: {
    readonly code?: number;
    readonly message: string;
    /** With `trace`: file, line and text of the instruction that failed. */
    readonly place?: string;
  };
  /** `tug.build.trace` for the state of the steps. */
  readonly id?: string;
  readonly aux?: { readonly ID?: string } & BuildStatus;
}
