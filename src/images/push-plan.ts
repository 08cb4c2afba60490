import { type Descriptor, mediaTypes } from '../api/oci/image.ts';
import { notFound } from '../base/errors.ts';
import { sha256 } from '../formats/digest.ts';
import type { SentManifest } from '../registry-client/push-target.ts';
import { type Attached, attachAnew, attachedIn } from './attestations.ts';
import type { LocalContentStore } from './content/store.ts';
import type { Image } from './contract.ts';
import { parseIndex, parseManifest } from './image-config.ts';
import { formatManifest } from './new-image.ts';
import type { PushOperation } from './push.ts';
import type { ImageState } from './store.ts';

/** What is to be sent of an image. */
export interface PushPlan {
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly PushLayer[];
  readonly manifest: SentManifest;
  /** The index around the manifest, where that is all it names, and none was asked for by its platform: so its digest stays. */
  readonly index: SentManifest | undefined;
  /** Statements that the index names beside the manifest. */
  readonly attached: readonly Attached[];
}

export interface PushLayer {
  readonly diffId: string;
  readonly blob: Descriptor;
  /** The layer that is to be compressed before it is sent; undefined where the blob goes out as it is. */
  readonly compress?: string;
}

/** A push before anything is sent. Of layers that are compressed on the way the manifest is made when they are sent. */
export type PushOutline = PushPlan | { readonly layers: readonly PushLayer[]; readonly manifest: undefined };

/** Layer types that are tars as they are. */
const plainTypes: readonly string[] = [mediaTypes.ociLayer, 'application/vnd.docker.image.rootfs.diff.tar'];

/**
 * Decides what is sent. The image's own manifest goes out byte for byte. Only an image that was made here and has
 * never been in a registry has its plain layers compressed, once, and its manifest changed to say so.
 * @throws not-found when a blob or layer that is needed is missing.
 */
export async function outlinePush(operation: PushOperation): Promise<PushOutline> {
  const { content, state, image } = operation;
  const own = image.manifest;
  if (!own || !content.has(own.digest)) return toCompress(image, layersHere(state, image));
  const bytes = await content.read(own.digest);
  const { config, layers } = parseManifest(bytes);
  // What tug wrote for an import or a commit, and no registry has seen.
  const isOwnWork = image.digests.length === 0 && bytes.equals(formatManifest(config, layers));
  if (isOwnWork && layers.some(({ mediaType }) => plainTypes.includes(mediaType))) return toCompress(image, layers);
  return {
    config,
    layers: layers.map((blob, at) => ({ blob, diffId: image.config.rootfs.diff_ids[at] ?? blob.digest })),
    manifest: { mediaType: own.mediaType, digest: own.digest, bytes },
    ...(await indexOf(operation, own.digest)),
  };
}

/** The same image with the missing layers (digests of blobs) as they are here, in a manifest of its own. @throws not-found. */
export function withLayersAtHand(operation: PushOperation, plan: PushPlan, missing: ReadonlySet<string>): PushPlan {
  const here = layersHere(operation.state, operation.image);
  const blobs = plan.layers.map(({ blob }, at) => (missing.has(blob.digest) ? (here[at] ?? blob) : blob));
  return planOf(operation, blobs);
}

function toCompress(image: Image, blobs: readonly Descriptor[]): PushOutline {
  const layers = blobs.map((blob, at) => {
    const layer = { blob, diffId: image.config.rootfs.diff_ids[at] ?? blob.digest };
    return plainTypes.includes(blob.mediaType) ? { ...layer, compress: image.layers[at] ?? '' } : layer;
  });
  return { layers, manifest: undefined };
}

/** The manifest of an image whose layers have been compressed; from now on it is the image's own. */
export async function recordCompressed(operation: PushOperation, blobs: readonly Descriptor[]): Promise<PushPlan> {
  const { content, image, leases, holder, state } = operation;
  const plan = planOf(operation, blobs);
  const { mediaType, digest, bytes } = plan.manifest;
  leases.acquire('operation', holder, 'blob', digest);
  await content.put(bytes);
  const manifest = { mediaType, digest, size: bytes.length };
  const hold = (blob: string): void => leases.acquire('operation', holder, 'blob', blob);
  const index = await attachAnew(content, hold, state.indexOf(image.id), { manifest, platform: image.config });
  await state.record({ id: image.id, manifest, ...(index ? { index } : {}), tags: [], digests: [] });
  return index ? { ...plan, ...(await indexOf(operation, digest)) } : plan;
}

function planOf({ content, image }: PushOperation, blobs: readonly Descriptor[]): PushPlan {
  const config = { mediaType: mediaTypes.ociConfig, digest: image.id, size: sizeOf(content, image.id) };
  const layers = blobs.map((blob) => ({ ...blob, mediaType: ociType(blob.mediaType) }));
  const bytes = formatManifest(config, layers);
  return {
    config,
    layers: layers.map((blob, at) => ({ blob, diffId: image.config.rootfs.diff_ids[at] ?? blob.digest })),
    manifest: { mediaType: mediaTypes.ociManifest, digest: sha256(bytes), bytes },
    index: undefined,
    attached: [],
  };
}

function ociType(mediaType: string): string {
  if (mediaType === mediaTypes.dockerLayerGzip) return mediaTypes.ociLayerGzip;
  if (mediaType.endsWith('.tar.zstd')) return mediaTypes.ociLayerZstd;
  return plainTypes.includes(mediaType) ? mediaTypes.ociLayer : mediaType;
}

function layersHere(state: ImageState, image: Image): Descriptor[] {
  return image.layers.map((chainId) => {
    const layer = state.layer(chainId);
    if (!layer) throw notFound(`image ${image.id} cannot be pushed: its layer ${chainId} is missing`);
    return layer.blob;
  });
}

function sizeOf(content: LocalContentStore, digest: string): number {
  const size = content.size(digest);
  if (size === undefined) throw notFound(`blob ${digest} is missing`);
  return size;
}

/** An index names images for other platforms, which are not here, so it can be sent only when there are none. */
async function indexOf(
  { content, state, image, platform }: PushOperation,
  manifest: string,
): Promise<Pick<PushPlan, 'index' | 'attached'>> {
  const index = platform ? undefined : state.indexOf(image.id);
  if (!index || !content.has(index.digest)) return { index: undefined, attached: [] };
  const bytes = await content.read(index.digest);
  const attached = await attachedIn(content, index);
  const here = new Set([manifest, ...attached.map((one) => one.manifest.digest)]);
  const isAlone = parseIndex(bytes).manifests.every(({ digest }) => here.has(digest));
  if (!isAlone) return { index: undefined, attached: [] };
  return { index: { mediaType: index.mediaType, digest: index.digest, bytes }, attached };
}
