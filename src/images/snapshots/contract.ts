/**
 * A snapshot driver keeps unpacked layers and the containers' writable layers on top of them. Layers are
 * keyed by chain-id (OCI image-spec, config.md, "Layer ChainID"), containers by their id.
 * `contract-suite.ts` beside it is run on every driver. All paths lie below the driver's own root.
 */
export interface SnapshotDriver {
  readonly name: string;
  /** The folder that everything of it lies below. */
  readonly root: string;
  /** True when a layer's folder holds its own files only, so that it can be staged and filled before the layers below are there. */
  readonly standsAlone: boolean;

  /** Chain-ids that are committed. */
  list(): Promise<string[]>;
  has(chainId: string): boolean;

  /**
   * A fresh folder to unpack a layer into, on the same file system as the snapshots. It becomes a
   * snapshot by `commit` and vanishes by `abandon`; `sweep` removes those of a killed engine.
   * `parents` are the chain-ids below, bottom first; for vfs the folder starts as a copy of the topmost.
   */
  stage(parents: readonly string[]): Promise<LayerStage>;

  /**
   * Removes a layer: from `has` at once, from the disk when it resolves. Idempotent. `evenUsed` is for one that is made
   * again before any container needs it. @throws conflict when a container's rootfs stands on it.
   */
  remove(chainId: string, options?: { evenUsed?: boolean }): Promise<void>;

  /**
   * Makes a container's writable layer over `layers` (chain-ids, bottom first). Idempotent. Nothing is mounted.
   * @throws not-found for a layer that is missing.
   */
  prepare(containerId: string, layers: readonly string[], options?: PrepareOptions): Promise<void>;

  /**
   * Mounts a container's rootfs at `target` (made if missing). Idempotent: an existing mount is kept. With a mapping the
   * ids on the disk, which stay as they are, are seen as those of a user namespace.
   * @throws unsupported where kernel or file system cannot map ids.
   */
  mount(containerId: string, target: string, look?: MountLook): Promise<void>;

  /**
   * Mounts what a container sees at `target`, read-only, whether or not it is prepared or mounted elsewhere. Nothing of
   * the container is changed; what is written to it meanwhile may show or not. Taken away by umount2(2).
   */
  show(containerId: string, layers: readonly string[], target: string, look?: MountLook): Promise<void>;

  /** Unmounts it. Idempotent. */
  unmount(containerId: string, target: string): Promise<void>;

  /** Removes a container's writable layer. Idempotent. @throws conflict while it is mounted. */
  discard(containerId: string): Promise<void>;

  /**
   * Makes a container's writable layer, which is not mounted, a layer under this chain-id; the container is discarded. If
   * that layer exists already, it stays as it is. Interrupted, the layer is there or not, and the container may be
   * there still, empty.
   * @throws not-found when the container is not prepared, conflict while it is mounted.
   */
  adopt(containerId: string, chainId: string): Promise<void>;

  /** Where a container's files are, for reading only; undefined when it is not prepared. */
  writable(containerId: string): WritableLayer | undefined;

  /** The folders that show an image, topmost first; `layers` bottom first. Reading them merged as overlayfs would gives its files. */
  stack(layers: readonly string[]): readonly string[];

  /** Container ids that have a writable layer. */
  containers(): Promise<string[]>;

  /** Size in bytes of what a container wrote. */
  usage(containerId: string): Promise<number>;

  /** `GraphDriver.Data` of a container's inspect. */
  describe(containerId: string): Record<string, string>;

  /** `GraphDriver.Data` of an image's inspect; `layers` bottom first. */
  describeLayers(layers: readonly string[]): Record<string, string>;

  /** Removes stages and half-removed snapshots that a killed engine left. Returns how many. */
  sweep(): Promise<number>;
}

/** How a mount shows files, other than they are on the disk. */
export interface MountLook {
  readonly mapping?: MountMapping | undefined;
  /** The SELinux context of all files. @throws unsupported by drivers that cannot. */
  readonly label?: string;
}

/** Whose ids a mount shows. */
export interface MountMapping {
  /** A descriptor of the user namespace; needed for the moment of mounting only. */
  readonly userNamespace: number;
  /** The host's ids of its root. */
  readonly root: { readonly uid: number; readonly gid: number };
}

/** What a container wrote. Another process may be writing to `folder`. */
export interface WritableLayer {
  readonly folder: string;
  /** The folders below, topmost first. */
  readonly below: readonly string[];
  /** True when `folder` is a copy of all the container sees; false when it holds what differs, with overlayfs's marks. */
  readonly whole: boolean;
}

export interface PrepareOptions {
  /**
   * The layer will be thrown away when the container ends (`--rm`): nothing of it need survive a crash of the
   * host, so the driver may leave out syncing it, which is most of an unmount's time.
   */
  readonly volatile?: boolean;
}

export interface LayerStage {
  /** Unpack here. Whiteouts are in the driver's own form: see `whiteouts`. */
  readonly folder: string;
  /** `overlay`: a whiteout is a 0:0 character device and an opaque folder carries `trusted.overlay.opaque=y`. `apply`: deletions are carried out at once. */
  readonly whiteouts: 'overlay' | 'apply';
  /**
   * Folders of the layers below, topmost first, in the `overlay` form, for the metadata of directories that the
   * layer implies and does not carry. Empty for `apply`, where they are in `folder` already.
   */
  readonly below: readonly string[];
  /** Publishes it under a chain-id; whether it is on the disk is the caller's to see to. If that exists already, the stage is dropped. Idempotent per chain-id. */
  commit(chainId: string): Promise<void>;
  abandon(): Promise<void>;
}
