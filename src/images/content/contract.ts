import type { Descriptor } from '../../api/oci/image.ts';
import type { LayerStage } from '../snapshots/contract.ts';
import type { UnpackResult } from '../unpack/layer.ts';
import type { Reuse } from '../unpack/reuse.ts';

/**
 * Blobs by digest, in the layout of the OCI image-spec (image-layout.md): `blobs/sha256/HEX`, so that skopeo
 * and umoci can read the store as it lies. SQLite says which blobs are whole; a file alone says nothing.
 */
export interface ContentStore {
  has(digest: string): boolean;
  /** Where a blob lies. The file exists only if `has`. */
  path(digest: string): string;
  /** A whole small blob (manifest, config). @throws not-found, invalid when over `limit` bytes (4 MiB by default). */
  read(digest: string, limit?: number): Promise<Buffer>;
  /**
   * Begins (or resumes) writing a blob whose descriptor is known. Partial data of an earlier, interrupted
   * write stays as `ingest` files and is continued: `offset` says how much is there already.
   */
  ingest(expected: Pick<Descriptor, 'digest' | 'size'>): Promise<BlobWriter>;
  /** Stores bytes at hand. Idempotent. Returns the digest. */
  put(bytes: Uint8Array): Promise<string>;
  /** Removes a blob: from `has` at once, from the disk when it resolves. Idempotent. */
  remove(digest: string): Promise<void>;
  list(): string[];
}

export interface BlobWriter {
  /** Bytes that are there already from an earlier try. */
  readonly offset: number;
  /** Takes a copy of a chunk, which is on its way then. @throws exhausted when an earlier one met a full disk. */
  write(chunk: Uint8Array): Promise<void>;
  /** Throws away what is there and begins again at 0 (the server did not honour the range). */
  restart(): Promise<void>;
  /** Verifies size and digest, publishes. Idempotent. @throws invalid with code `digest-mismatch` or `size-mismatch`, exhausted, and the data is dropped. */
  commit(): Promise<void>;
  /** Closes it. With `keep` what was written stays for a later resume. Idempotent; harmless after commit. */
  close(keep: boolean): Promise<void>;
}

/** Unpacks layer blobs into snapshots, in worker threads. */
export interface LayerUnpacker {
  /**
   * Unpacks the blob of `descriptor` (in the store) on top of `parents` (chain-ids, bottom first) and commits
   * it as a snapshot; does nothing when the snapshot exists. Verifies the tar's digest against `diffId`.
   * A parent that is not there yet is waited for, so that the layers of an image may be unpacked side by side.
   * `progress` hears how many bytes of the blob are done, at most ten times a second.
   * Of a blob that was `verified` a moment ago, one that is a plain tar is not hashed again; what of it is unpacked
   * already, as it was `arriving`, is not unpacked again; what of it is there as files, `reuse`, is linked.
   * @throws invalid with code `diff-id-mismatch`, `layer-escapes`, `bad-archive`, ...; nothing is left.
   */
  unpack(
    descriptor: Descriptor,
    diffId: string,
    parents: readonly string[],
    signal: AbortSignal,
    progress?: (done: number, total: number) => void,
    known?: {
      readonly verified: boolean;
      readonly arriving?: Arriving | undefined;
      readonly reuse?: Reuse | undefined;
    },
  ): Promise<void>;
}

/** Unpacks layers before they are whole. */
export interface ArrivingUnpacker {
  /**
   * Begins to unpack a tar, plain or compressed, while it is still being written, as soon as one of the few threads for
   * this is free. End it by handing it to `unpack`, or by `abandon`. Nothing is recorded before; killed, the next start
   * removes what is there.
   */
  beginArriving(layer: ArrivingLayer, signal: AbortSignal): Arriving;
}

/** A layer's tar on its way in. */
export interface ArrivingLayer {
  /** Keeps its name until `Arriving.settled`. */
  readonly file: string;
  /** An Int32 that becomes 1 when the file is whole. */
  readonly whole: SharedArrayBuffer;
  /** What it stands on. Where that is unknown yet the driver's layers stand alone. */
  readonly below: 'nothing' | 'unknown';
}

/** A layer that is being unpacked before it is whole. */
export interface Arriving {
  /** Resolves when it is unpacked. @throws as `unpack`; nothing is left then. */
  readonly done: Promise<void>;
  /** Call it when the file is whole. Resolves when the file may change its name; what no thread has begun is given up. */
  settled(): Promise<void>;
  /** What came of it, once, which is then the caller's; undefined when nothing did. Never throws. */
  take(): Promise<{ readonly stage: LayerStage; readonly result: UnpackResult } | undefined>;
  /** Ends it and removes what it made, unless it was taken. Idempotent. */
  abandon(): Promise<void>;
}

/** Records images in the state. */
export interface ImageStore {
  /**
   * Records an image whose config and layers are in place, with the names it has; runs in one transaction.
   * `manifest` and `index` blobs are kept for a byte-equal push. Idempotent.
   */
  record(image: {
    id: string;
    manifest: Descriptor | undefined;
    index?: Descriptor;
    tags: readonly string[];
    digests: readonly string[];
  }): Promise<void>;
}
