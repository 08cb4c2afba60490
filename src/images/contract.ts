import type { Readable, Writable } from 'node:stream';
import type { Descriptor, ImageConfigBlob, ImageRunConfig, Platform } from '../api/oci/image.ts';
import type {
  AttestationStatement,
  ImageDeleted,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
} from '../api/types/image.ts';
import type { WantedStatements } from './attestations.ts';
import type { FileChange } from './trees/changes.ts';

export type { FileChange };

/**
 * What the rest of the engine needs of images. The image ID is the digest of the image configuration;
 * a layer is known by its chain-id, its tar by its diff-id and, compressed, by its blob digest.
 */
export interface ImageService {
  /**
   * Finds an image by id, unambiguous short id, `name[:tag]`, `name@digest`; with a platform (`os/arch[/variant]`) the
   * one for it, also another than has the name if both are of one index.
   * @throws not-found "No such image: NAME:TAG", or when none is for the platform; invalid for a malformed reference or
   * platform, conflict-free otherwise.
   */
  resolve(reference: string, platform?: string): Image;
  /** As `resolve`, undefined instead of not-found. */
  find(reference: string): Image | undefined;
  list(options: ImageListOptions): ImageSummary[];
  /** @throws as `resolve`, and not-found when it does not provide the platform. */
  inspect(reference: string, platform?: Platform): ImageInspect;
  /** See attestations.ts. @throws as `inspect`, and unsupported. */
  attestations(reference: string, platform?: Platform, wanted?: WantedStatements): Promise<AttestationStatement[]>;
  count(): number;

  /** Pulls; resolves when the image is usable. Progress lines are Docker's. Interrupted, it leaves only whole layers, which the next pull uses. */
  pull(request: PullRequest, progress: Progress, signal: AbortSignal): Promise<Image>;
  /** Pulls all tags of a repository, as `pull` each; tags of what is no image for this host are told and left out. */
  pullAll(request: PullRequest, progress: Progress, signal: AbortSignal): Promise<Image[]>;
  /**
   * Sends an image, or all tags of a repository, to its registry. An image that came from a registry keeps its
   * manifest, and so its digest. Progress lines are Docker's. Interrupted, it leaves blobs there that the next push uses.
   * @throws not-found when there is no such tag, unauthorized, forbidden, unavailable.
   */
  push(request: PushRequest, progress: Progress, signal: AbortSignal): Promise<void>;
  /**
   * Reads a docker-archive or OCI-layout tar (plain, gzip, zstd, xz, bzip2). Returns what was loaded, in order. With
   * platforms only the images for these. @throws not-found when the archive has none for one of them; nothing is loaded then.
   */
  load(
    archive: Readable,
    progress: Progress,
    signal: AbortSignal,
    platforms?: readonly Platform[],
  ): Promise<LoadedImage[]>;
  /** Writes one tar that is both an OCI layout and a docker-archive. @throws not-found, also for a platform that an image lacks. */
  save(
    references: readonly string[],
    into: Writable,
    signal: AbortSignal,
    platforms?: readonly Platform[],
  ): Promise<void>;
  /** Makes a one-layer image of a root file system tar. */
  import(archive: Readable, request: ImportRequest, signal: AbortSignal): Promise<Image>;
  /** Makes an image of a container's image and what the container changed. @throws not-found when its image is gone. */
  commit(request: CommitRequest, signal: AbortSignal): Promise<Image>;
  /** What a container changed of its image's files, folders first, names in order. */
  changes(container: ContainerFiles): Promise<FileChange[]>;
  /** Writes a container's files as a tar, as it runs or stands; ends `into`. */
  exportFiles(container: ContainerFiles, into: Writable, signal: AbortSignal): Promise<void>;
  /** @throws invalid for a malformed target, not-found for the source. Idempotent. */
  tag(source: string, target: string): void;
  /**
   * Removes a tag, and the image with its last one; with platforms, the images for these that the reference stands for.
   * @throws conflict when a container uses it (Docker's sentences), not-found, also for a platform that it lacks.
   */
  remove(reference: string, options: RemoveOptions): Promise<ImageDeleted[]>;
  /** Removes what no container uses. @throws invalid for a filter that does not exist. */
  prune(options: PruneOptions): Promise<Pruned>;

  /** Settles what a killed engine left: journal entries of kind `image.*`, stages, blobs no image needs. Idempotent. */
  recover(): Promise<void>;
}

export interface Image {
  /** `sha256:...` of the configuration blob. */
  readonly id: string;
  readonly config: ImageConfigBlob;
  /** Chain-ids, bottom first. */
  readonly layers: readonly string[];
  readonly manifest: Descriptor | undefined;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  /** Sum of the unpacked layers in bytes. */
  readonly size: number;
}

export interface RemoveOptions {
  readonly force: boolean;
  readonly prune: boolean;
  readonly platforms?: readonly Platform[];
}

export interface ImageListOptions {
  readonly all: boolean;
  /** Docker's filters: key to values. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
}

export interface PruneOptions {
  /** `dangling`, `until`, `label`, `label!`. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
  /** Only say what would be removed. */
  readonly dryRun: boolean;
  /** Containers that count as gone already. For a dry run: what follows their removal. */
  readonly without?: readonly string[];
}

export interface Pruned {
  readonly deleted: ImageDeleted[];
  /** Bytes. */
  readonly reclaimed: number;
}

export interface PullRequest {
  /** As the user wrote it. */
  readonly reference: string;
  readonly platform: string | undefined;
  readonly auth: RegistryAuth | undefined;
  /** Logins of registries that are searched for a name without one, by server. */
  readonly auths?: Readonly<Record<string, RegistryAuth>>;
}

export interface PushRequest {
  /** A name with a tag; without one it stands for all tags of the repository. */
  readonly reference: string;
  /** The image for this platform, of those that came from one index. */
  readonly platform: Platform | undefined;
  readonly auth: RegistryAuth | undefined;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}

export interface ImportRequest {
  /** `name[:tag]` or undefined for an image without a name. */
  readonly reference: string | undefined;
  readonly message: string;
  /** Dockerfile instructions of `--change`. */
  readonly changes: readonly string[];
  readonly platform: string | undefined;
}

/** A container as its files are kept: what the image domain needs to read them. */
export interface ContainerFiles {
  readonly id: string;
  /** Chain-ids of its image, bottom first. */
  readonly layers: readonly string[];
  /** Paths (without a slash in front) that the engine mounts things over; what the runtime made for them is no change. */
  readonly places: ReadonlySet<string>;
}

export interface CommitRequest {
  readonly container: ContainerFiles;
  readonly imageId: string;
  /** `name[:tag]` or undefined for an image without a name. */
  readonly reference: string | undefined;
  readonly author: string;
  readonly comment: string;
  /** What the image's history says made the layer. */
  readonly createdBy: string;
  /** The configuration before `changes`. */
  readonly config: ImageRunConfig;
  /** Dockerfile instructions of `--change`. */
  readonly changes: readonly string[];
  /** Runs the reading of the container's files while it stands still, if it is to. */
  readonly hold: <T>(read: () => Promise<T>) => Promise<T>;
}

export interface LoadedImage {
  readonly id: string;
  readonly tags: readonly string[];
}

export type Progress = (message: ProgressMessage) => void;
