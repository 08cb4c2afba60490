/** What a driver is told of a volume. */
export interface VolumeIdentity {
  readonly name: string;
  /** `--opt`, as `check` accepted them. */
  readonly options: Readonly<Record<string, string>>;
}

/**
 * A volume driver keeps the data of volumes. `contract-suite.ts` beside it is run on every driver. All calls but
 * `check` and `path` are made one at a time for each volume.
 */
export interface VolumeDriver {
  readonly name: string;

  /** @throws invalid for options that the driver does not know or that contradict each other. Touches nothing. */
  check(options: Readonly<Record<string, string>>): void;

  /** Where a volume's data is, or is mounted. */
  path(name: string): string;

  /** Makes a volume, empty. Idempotent: what is there stays. */
  create(volume: VolumeIdentity): Promise<void>;

  /** Removes a volume with its data; unmounts it first. Idempotent, and cut off it can be repeated. */
  remove(volume: VolumeIdentity): Promise<void>;

  /** True when `mount` has something to mount, which outlives the engine. */
  needsMount(volume: VolumeIdentity): boolean;

  /** False when its data lies elsewhere, and takes none of the engine's room. */
  keepsData(volume: VolumeIdentity): boolean;

  /**
   * Makes the data reachable at `path`. Idempotent.
   * @throws not-found when its folder is gone; conflict in Docker's words when it cannot be mounted.
   */
  mount(volume: VolumeIdentity): Promise<void>;

  /** Takes back what `mount` did. Idempotent. @throws the system error while something below is in use. */
  unmount(volume: VolumeIdentity): Promise<void>;

  /** Gives a volume that is not mounted another name. Idempotent: once it is renamed nothing happens. */
  rename(volume: VolumeIdentity, name: string): Promise<void>;
}
