import { type Descriptor, type ImageConfigBlob, type ImageHistory, mediaTypes } from '../api/oci/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import { notFound } from '../base/errors.ts';
import { applyChanges } from './changes.ts';
import { layerTar } from './container-files.ts';
import type { LayerUnpacker } from './content/contract.ts';
import type { SpooledBlob } from './content/spool.ts';
import type { LocalContentStore } from './content/store.ts';
import type { CommitRequest, Image } from './contract.ts';
import { checkDepth } from './depth.ts';
import type { CollectorDeps } from './gc.ts';
import type { ImageEvents } from './image-events.ts';
import { writeImage } from './new-image.ts';
import { type Operation, withOperation } from './operation.ts';
import type { Settling } from './settling.ts';
import { parseTag } from './tag.ts';

export interface CommitDeps extends CollectorDeps {
  readonly content: LocalContentStore;
  readonly unpacker: LayerUnpacker;
  readonly settling: Settling;
  readonly events: ImageEvents;
  readonly now?: () => Date;
}

/** A tar of nothing: a container that changed nothing gives an image without a further layer. */
const emptyTarSize = 1024;

/**
 * Makes an image of a container's image and what the container changed. The layer's tar is kept as it was hashed, as
 * import does, since one made again from the unpacked tree need not have the same digest. Returns the id.
 * @throws invalid for a malformed name or change, or too many layers; not-found when the container's image is gone;
 * exhausted when the disk is full. Nothing is left then.
 */
export async function commitImage(deps: CommitDeps, request: CommitRequest, signal: AbortSignal): Promise<string> {
  const name = request.reference === undefined ? undefined : parseTag(request.reference);
  const config = applyChanges(request.config, request.changes);
  const base = deps.state.get(request.imageId);
  if (!base) throw notFound(`No such image: ${request.imageId}`, { code: 'no-such-image' });

  return await withOperation(deps, 'commit', async (operation) => {
    operation.holdLayers(base.layers);
    const layer = await request.hold(() => spoolLayer(deps, operation, request, signal));
    crashPoint('image.commit.read');
    if (layer) checkDepth(base.layers.length + 1);
    const below = base.layers.map((chainId) => blobOf(deps, base, chainId));
    if (layer) await deps.unpacker.unpack(layer, layer.digest, base.layers, signal);
    const created = (deps.now?.() ?? new Date()).toISOString();
    const blob = describe(base, request, created, layer?.digest);
    const written = await writeImage(deps.content, operation, { ...blob, config }, layer ? [...below, layer] : below);
    await deps.state.record({ ...written, tags: name ? [name.normalised] : [], digests: [] });
    crashPoint('image.commit.recorded');
    await deps.settling.flush(); // unlike what was pulled or loaded, it cannot be had again
    if (name) deps.events.publish('tag', written.id, name.familiar);
    return written.id;
  });
}

/** Undefined when nothing was changed. */
async function spoolLayer(
  { content, driver }: CommitDeps,
  operation: Operation,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<Descriptor | undefined> {
  const spool = await content.spool();
  let tar: SpooledBlob;
  try {
    for await (const piece of layerTar(driver, request.container)) {
      signal.throwIfAborted();
      await spool.write(piece);
    }
    tar = await spool.finish();
  } catch (error) {
    await spool.discard();
    throw error;
  }
  try {
    if (tar.size === emptyTarSize) return undefined;
    operation.holdBlob(tar.digest);
    await tar.keep();
  } finally {
    await tar.discard();
  }
  return { mediaType: mediaTypes.ociLayer, digest: tar.digest, size: tar.size };
}

function blobOf({ state }: CommitDeps, base: Image, chainId: string): Descriptor {
  const layer = state.layer(chainId);
  if (!layer) throw notFound(`layer ${chainId} of image ${base.id} is missing: pull the image again`);
  return layer.blob;
}

function describe(
  { config: base }: Image,
  request: CommitRequest,
  created: string,
  diffId: string | undefined,
): ImageConfigBlob {
  const { author, comment, createdBy } = request;
  const own: ImageHistory = {
    created,
    ...(createdBy ? { created_by: createdBy } : {}),
    ...(author ? { author } : {}),
    ...(comment ? { comment } : {}),
    ...(diffId ? {} : { empty_layer: true }),
  };
  return {
    architecture: base.architecture,
    os: base.os,
    ...(base.variant ? { variant: base.variant } : {}),
    ...(base['os.version'] ? { 'os.version': base['os.version'] } : {}),
    created,
    ...(author ? { author } : {}),
    rootfs: { type: 'layers', diff_ids: [...base.rootfs.diff_ids, ...(diffId ? [diffId] : [])] },
    history: [...(base.history ?? []), own],
  };
}
