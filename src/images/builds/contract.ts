import type { Descriptor, ImageConfigBlob } from '../../api/oci/image.ts';
import type { Claim } from '../attestations.ts';
import type { ContainerFiles, Image } from '../contract.ts';

/**
 * What building images needs of the image domain: layers that no image has yet. They are kept by the leases that the
 * caller holds on them (`snapshot`, by chain-id); `holder` names the operation whose lease is taken before a layer can
 * be seen, so that no collection comes in between.
 */
export interface BuildLayers {
  /**
   * Makes what a container wrote a layer, without copying it; the container is gone afterwards. Undefined when it wrote
   * nothing. With `keepTar` its tar is kept too, as `record` needs it. What is newer than `epoch` (Unix seconds) gets
   * that time.
   * @throws exhausted when the disk is full. The container stays then. Interrupted, there is a whole layer or none.
   */
  adopt(container: ContainerFiles, options: AdoptOptions, signal: AbortSignal): Promise<BuiltLayer | undefined>;
  /**
   * Makes a tar a layer on top of others (chain-ids, bottom first), and keeps the tar. Runs are files of the layer
   * `like`, which has to be `reusable`: their entries are taken from its tar, and where layers stand alone the files
   * become links to its own. So may the open files of `LayerFile`s become the layer's, which have to stay open until
   * then; with `owned` they are most of it.
   * @throws invalid, exhausted.
   */
  unpack(
    parents: readonly string[],
    tar: AsyncIterable<LayerPart>,
    options: { readonly holder: string; readonly like?: string | undefined; readonly owned?: boolean },
    signal: AbortSignal,
  ): Promise<BuiltLayer>;
  /** Whether a layer is there with its plain tar; both are kept for `holder` then. */
  reusable(chainId: string, options: { readonly holder: string }): boolean;
  /**
   * The archive of the topmost of these layers, made if it is missing, and kept for `holder`: what it is, the digest of
   * its plain tar, and the file that it is in. @throws not-found, exhausted.
   */
  archive(
    layers: readonly string[],
    options: { readonly holder: string },
    signal: AbortSignal,
  ): Promise<{ readonly blob: Descriptor; readonly diffId: string; readonly file: string }>;
  /** A layer that is there, or undefined. */
  layer(chainId: string): BuiltLayer | undefined;
  /** The folders that show these layers (bottom first), topmost first; see `SnapshotDriver.stack`. */
  stack(layers: readonly string[]): readonly string[];
  /**
   * Records an image of layers (chain-ids, bottom first), with names (`name[:tag]`), which move to it. The tars that are
   * missing are made. The same configuration gives the same image.
   * @throws invalid for a malformed name or too many layers, exhausted. Nothing is recorded then.
   */
  record(image: BuiltImage, options: { readonly holder: string }, signal: AbortSignal): Promise<Image>;
  /** Removes what no image and no lease needs any more. */
  collect(): Promise<void>;
}

/** A stretch of a layer's tar. */
export type LayerPart = Buffer | LayerRun | LayerFile;

/** The entry of a regular file of one name whose content is in an open file, alone. */
export interface LayerFile {
  /** The entry before the content, and the bytes that follow it. */
  readonly head: Buffer;
  readonly padding: number;
  readonly fd: number;
  readonly size: number;
  /** Bytes as latin1; leads over no link. */
  readonly name: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
  /** Whether the open file may become the layer's, which looks so. It is written no more then. */
  give(look: Pick<LayerFile, 'mode' | 'uid' | 'gid' | 'mtime'>): boolean;
}

/** Files that follow one another in the tar of an earlier layer, and are to be in the new one as they are there. */
export interface LayerRun {
  /** Where their entries begin in that tar, and how many bytes they take. */
  readonly at: number;
  readonly length: number;
  /** Their paths in the layer (bytes as latin1), none of which leads over a link; regular files of one name each. */
  readonly names: readonly string[];
  /** Bytes of the files. */
  readonly size: number;
}

export interface AdoptOptions {
  readonly holder: string;
  readonly keepTar: boolean;
  readonly epoch: number | undefined;
}

export interface BuiltLayer {
  readonly chainId: string;
  readonly diffId: string;
  /** Bytes of its files. */
  readonly size: number;
}

export interface BuiltImage {
  readonly config: Omit<ImageConfigBlob, 'rootfs'>;
  readonly layers: readonly string[];
  readonly names: readonly string[];
  /** What is stated of it, beside its manifest. */
  readonly claims?: readonly Claim[];
}
