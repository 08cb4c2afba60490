/**
 * A snapshot driver keeps unpacked layers and the containers' writable layers on top of them. Layers are
 * keyed by chain-id (OCI image-spec, config.md, "Layer ChainID"), containers by their id.
 * `contract-suite.ts` beside it is run on every driver. All paths lie below the driver's own root.
 */
export interface SnapshotDriver {
  readonly name: string;

  /** Chain-ids that are committed. */
  list(): Promise<string[]>;
  has(chainId: string): boolean;

  /**
   * A fresh folder to unpack a layer into, on the same file system as the snapshots. It becomes a
   * snapshot by `commit` and vanishes by `abandon`; `sweep` removes those of a killed engine.
   * `parents` are the chain-ids below, bottom first; for vfs the folder starts as a copy of the topmost.
   */
  stage(parents: readonly string[]): Promise<LayerStage>;

  /** Removes a layer. Idempotent. @throws conflict when a container's rootfs stands on it. */
  remove(chainId: string): Promise<void>;

  /** Makes a container's writable layer over `layers` (chain-ids, bottom first). Idempotent. Nothing is mounted. */
  prepare(containerId: string, layers: readonly string[]): Promise<void>;

  /** Mounts a container's rootfs at `target` (made if missing). Idempotent: an existing mount is kept. */
  mount(containerId: string, target: string): Promise<void>;

  /** Unmounts it. Idempotent. */
  unmount(containerId: string, target: string): Promise<void>;

  /** Removes a container's writable layer. Idempotent. @throws conflict while it is mounted. */
  discard(containerId: string): Promise<void>;

  /** Container ids that have a writable layer. */
  containers(): Promise<string[]>;

  /** Size in bytes of what a container wrote. */
  usage(containerId: string): Promise<number>;

  /** `GraphDriver.Data` of inspect. */
  describe(containerId: string): Record<string, string>;

  /** Removes stages and half-removed snapshots that a killed engine left. Returns how many. */
  sweep(): Promise<number>;
}

export interface LayerStage {
  /** Unpack here. Whiteouts are in the driver's own form: see `whiteouts`. */
  readonly folder: string;
  /** `overlay`: a whiteout is a 0:0 character device and an opaque folder carries `trusted.overlay.opaque=y`. `apply`: deletions are carried out at once. */
  readonly whiteouts: 'overlay' | 'apply';
  /** Syncs and publishes it under a chain-id. If that exists already, the stage is dropped. Idempotent per chain-id. */
  commit(chainId: string): Promise<void>;
  abandon(): Promise<void>;
}
