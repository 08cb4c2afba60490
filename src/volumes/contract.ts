import type { Readable, Writable } from 'node:stream';
import type { Volume, VolumeCreateRequest } from '../api/types/volume.ts';
import { TugError } from '../base/errors.ts';

/** What the HTTP routers ask of volumes. What takes a name throws not-found `get NAME: no such volume`. */
export interface VolumeService {
  /** Makes a volume, or returns the one of that name and driver. @throws invalid, not-found for the driver, conflict. */
  create(request: VolumeCreateRequest): Promise<Volume>;
  /** By name. @throws invalid for a filter that does not exist, or a bad value of one. */
  list(filters: VolumeFilters): Volume[];
  inspect(name: string): Volume;
  /** @throws conflict while containers use it. With `force` one that is not there is no fault. */
  remove(name: string, options: { force: boolean }): Promise<void>;
  /** Removes those that no container uses, without `all` only those that nobody named. @throws invalid for a filter. */
  prune(options: PruneOptions): Promise<PrunedVolumes>;
  /** All volumes whose data the engine keeps, with the room they take and how many containers use them. */
  usage(): Promise<Volume[]>;
  drivers(): string[];
  /** The rest is tug's own; see change.ts and archive.ts. */
  rename(name: string, next: string): Promise<void>;
  clone(name: string, request: CloneRequest): Promise<Volume>;
  restore(name: string, from: string): Promise<void>;
  /** Calls `into` once it can begin. */
  exportFiles(name: string, into: () => Writable, signal: AbortSignal): Promise<void>;
  importFiles(name: string, from: Readable, signal: AbortSignal): Promise<Volume>;
}

export interface CloneRequest {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>> | null;
  /** Mark it as a snapshot, which `restore` takes. */
  readonly snapshot: boolean;
}

/** Makes tars of open folders, and folders of tars, without following a link out of them. */
export interface FolderArchiver {
  /** Does not end `into`. @throws cancelled when `signal` aborts. */
  send(folder: number, into: Writable, signal: AbortSignal): Promise<void>;
  /** Plain or compressed. @throws invalid for a bad archive, cancelled when `signal` aborts. */
  receive(folder: number, from: Readable, signal: AbortSignal): Promise<void>;
}

/** Docker's filters: key to values. */
export type VolumeFilters = Readonly<Record<string, readonly string[]>>;

export interface PruneOptions {
  readonly filters: VolumeFilters;
  readonly all: boolean;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
  /** Ids of containers that count as gone, for a dry run. */
  readonly without?: readonly string[];
}

export interface PrunedVolumes {
  readonly removed: string[];
  /** Bytes. */
  readonly reclaimed: number;
}

/** A volume that a container is to have. */
export interface VolumeWish {
  /** Undefined for one that nobody names, which is always new. */
  readonly name: string | undefined;
  /** `local` when undefined; of a volume that is there already it must be the driver. */
  readonly driver: string | undefined;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** The volumes of a container in the making. */
export interface ReservedVolumes {
  /** Names in the order of the wishes. */
  readonly names: readonly string[];
  /** Whether there is nothing in a volume, or in a folder of it. Mounts it for that. */
  isEmpty(name: string, subpath?: string): Promise<boolean>;
  /**
   * Copies an open folder's content, owner, mode and times into an empty volume, or an empty folder of it. Cut off, it
   * is undone by the next engine.
   */
  fill(name: string, source: number, subpath?: string): Promise<void>;
  /** Records the new ones, and that the container uses these and no others. Call it in the transaction that records the container. */
  record(containerId: string): void;
}

/** What the container domain asks of volumes. */
export interface ContainerVolumes {
  /**
   * Has `work` done while the wished volumes are held: nobody removes, renames or mounts them meanwhile. Those that are
   * not there are made, and taken away again unless `work` records them.
   * @throws as `VolumeService.create`.
   */
  reserve<T>(wishes: readonly VolumeWish[], work: (volumes: ReservedVolumes) => Promise<T>): Promise<T>;
  /** Where a volume's data is, and its driver; undefined for one that is not there. */
  find(name: string): { readonly path: string; readonly driver: string } | undefined;
  /** Mounts a volume for a user and returns where. Lasts until `unmount(user)`. Idempotent for each user. */
  mount(name: string, user: string): Promise<string>;
  /** Ends a user's mounts; what nobody else uses is unmounted. Returns the names. Idempotent. */
  unmount(user: string): Promise<string[]>;
  /**
   * Forgets that a container uses volumes. Call it in the transaction that forgets the container, and what it returns
   * after that: it removes the `doomed` volumes which nobody else uses. Killed in between, the next engine does.
   */
  forget(containerId: string, doomed: readonly string[]): () => Promise<void>;
}

/** The volumes with what only the composition root calls. */
export interface Volumes extends VolumeService, ContainerVolumes {
  /**
   * Finishes or undoes what was cut off, and unmounts what no running container uses. `running` are the containers that
   * use what they have mounted. Call once at start. Idempotent.
   */
  recover(running: ReadonlySet<string>): Promise<void>;
}

/** What Docker says to everything that only a swarm has. */
export const notInSwarm = (): TugError =>
  new TugError(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    { code: 'not-in-swarm' },
  );
