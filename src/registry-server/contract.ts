import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';

/** Bytes of a file: from `start` to `end`, which belongs to it; to the end of the file without one. */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/**
 * A space of files by path (`/docker/registry/v2/...`): what a registry is kept in. Paths that are not there throw
 * `not-found`. Every driver runs `storage/storage.contract-suite.ts`.
 */
export interface StorageDriver {
  readonly name: string;
  /** A small file, whole. */
  get(path: string): Promise<Buffer>;
  /** Whole or not at all, also when killed; durable when it resolves, unless `brief`: it need not outlive a power cut. */
  put(path: string, content: Uint8Array, brief?: 'brief'): Promise<void>;
  /** Opens the file before it resolves: one that is removed afterwards is read to its end. */
  read(path: string, range?: ByteRange): Promise<Readable>;
  /** Undefined for what is not there, and for folders. */
  stat(path: string): Promise<{ readonly size: number; readonly modified: Date } | undefined>;
  /** Names of direct children, sorted bytewise, those behind `after`; none for a folder that is not there. */
  list(path: string, after?: string): AsyncIterable<string>;
  /**
   * Writes `data` to a file that is being written, from `offset` on (what was there behind it is cut off), and resolves
   * with the file's new size. What came before an error stays. @throws invalid for an offset behind the file's end.
   */
  append(path: string, offset: number, data: Readable): Promise<number>;
  /** The finished file takes the place of `to` at once; durable when it resolves. */
  move(from: string, to: string): Promise<void>;
  /** With all that lies below; idempotent. */
  remove(path: string): Promise<void>;
  /** Sets the file's time of modification to now, so that collection sees that it is wanted. */
  touch(path: string): Promise<void>;
  /** Where the file lies on this machine, for drivers that can say it (zero-copy). */
  localPath?(path: string): string;
  /** What processes that were killed left where no path leads, begun before then. Removing it may be repeated. */
  abandoned?(before: Date): AsyncIterable<{ readonly name: string; remove(): Promise<void> }>;
  /** Lets go of what the driver holds. */
  close?(): Promise<void>;
}

/** Who asks; the name is '' for anybody. */
export interface Identity {
  readonly name: string;
  readonly groups: readonly string[];
}

export type Action = 'pull' | 'push' | 'delete' | 'admin';

/**
 * What a request needs. The repository is '' for the registry itself: with `pull` for the catalog and search, with
 * `admin` for what concerns all of it, such as a collection. None at all for `GET /v2/`.
 */
export interface Wanted {
  readonly repository: string;
  readonly actions: readonly Action[];
}

export interface AccessController {
  /**
   * @throws unauthorized (`details.challenge`: the value of WWW-Authenticate; `details.retryAfter`: seconds, for those
   * who are held off) or forbidden (answered as DENIED).
   */
  authorize(request: IncomingMessage, wanted: readonly Wanted[]): Promise<Identity>;
  /** Whether the catalog and search show a repository to somebody whom `authorize` let in; all of them without. */
  sees?(identity: Identity, repository: string): boolean;
  /** Paths that the controller answers itself (`/token`), also to nobody. They throw as `authorize` does, or invalid. */
  readonly routes?: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => Promise<void>>>;
}

export type EventAction = 'push' | 'pull' | 'mount' | 'delete';

/** Something that happened to a manifest or blob, as CNCF distribution's notifications tell it. */
export interface RegistryEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly action: EventAction;
  readonly target: {
    readonly mediaType: string;
    readonly size: number;
    readonly digest: string;
    readonly length: number;
    readonly repository: string;
    readonly url?: string;
    readonly tag?: string;
    readonly fromRepository?: string;
  };
  readonly request: {
    readonly id: string;
    readonly addr: string;
    readonly host: string;
    readonly method: string;
    readonly useragent: string;
  };
  readonly actor: { readonly name?: string };
}

/** One answered request, for the access log and metrics. */
export interface RequestRecord {
  readonly id: string;
  readonly addr: string;
  readonly user: string;
  readonly method: string;
  readonly path: string;
  /** What kind of request it was: `base`, `blob`, `upload`, `manifest`, `tags`, `catalog`, `referrers`, `other`. */
  readonly route: string;
  readonly status: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly seconds: number;
  readonly agent: string;
}

/** Told what has happened, of changes before the client is; what they do or throw never fails a request. */
export interface RegistryHooks {
  event(event: RegistryEvent): void;
  request(record: RequestRecord): void;
}

export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly content: Buffer;
}

export interface StoredBlob {
  readonly size: number;
  read(range?: ByteRange): Promise<Readable>;
  /** Where its bytes lie on this machine, where they do. */
  readonly localPath?: string;
}

/** An entry of a referrers index (OCI distribution-spec 1.1, "Listing Referrers"). */
export interface Referrer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bytes on their way into a repository; invisible until they are committed. */
export interface Upload {
  readonly id: string;
  /** Bytes received so far. */
  readonly size: number;
  /** Adds bytes; resolves with the new size. @throws invalid `range-invalid` where `offset` is not the size so far. */
  append(offset: number, data: Readable): Promise<number>;
  /** Verifies the digest of all bytes, and makes them a blob of the repository. @throws invalid `digest-invalid`, the upload then being gone. */
  commit(digest: string): Promise<StoredBlob>;
  cancel(): Promise<void>;
}

/**
 * One repository. Reads of blobs and manifests go through here, so that a pull-through cache can stand before the
 * storage. What is not there throws `not-found` with code `name-unknown`, `manifest-unknown`, `blob-unknown` or
 * `blob-upload-unknown`.
 */
export interface Repository {
  readonly name: string;
  /** By tag or digest; the bytes are verified. */
  manifest(reference: string): Promise<StoredManifest>;
  blob(digest: string): Promise<StoredBlob>;
  /** As `blob`, for a client that may push a manifest which needs it: no collection takes it meanwhile. */
  holdBlob?(digest: string): Promise<StoredBlob>;
  /** Stores the manifest, then the tag, if the reference is one. @throws invalid `manifest-invalid`, `manifest-blob-unknown`, `digest-invalid`. */
  putManifest(reference: string, mediaType: string, content: Buffer): Promise<{ digest: string; subject?: string }>;
  /** Also takes away the tags that name it. */
  deleteManifest(digest: string): Promise<void>;
  deleteTag(tag: string): Promise<void>;
  deleteBlob(digest: string): Promise<void>;
  /** Sorted bytewise. */
  tags(after?: string): AsyncIterable<string>;
  referrers(digest: string): AsyncIterable<Referrer>;
  /** Makes a blob of another repository one of this as well; undefined where the other does not have it. */
  mount(digest: string, from: string): Promise<StoredBlob | undefined>;
  startUpload(): Promise<Upload>;
  upload(id: string): Promise<Upload>;
}

/** Opens the repository of a valid name, whether or not it has content; the proxy's is one that fetches what is missing. */
export type OpenRepository = (name: string) => Promise<Repository>;
