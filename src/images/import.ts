import type { Readable } from 'node:stream';
import { type ImageConfigBlob, mediaTypes } from '../api/oci/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import { invalid, unsupported } from '../base/errors.ts';
import { unpackedStream } from './archive/unpacked-stream.ts';
import { applyChanges } from './changes.ts';
import type { LayerUnpacker } from './content/contract.ts';
import type { BlobSpool, SpooledBlob } from './content/spool.ts';
import type { LocalContentStore } from './content/store.ts';
import type { ImportRequest } from './contract.ts';
import type { CollectorDeps } from './gc.ts';
import type { ImageEvents } from './image-events.ts';
import { writeImage } from './new-image.ts';
import { withOperation } from './operation.ts';
import { hostPlatform, parsePlatform } from './pull-platform.ts';
import { parseTag } from './tag.ts';
import type { UnpackLimits } from './unpack/layer.ts';

export interface ImportDeps extends CollectorDeps {
  readonly content: LocalContentStore;
  readonly unpacker: LayerUnpacker;
  readonly limits: UnpackLimits;
  readonly events: ImageEvents;
  readonly now?: () => Date;
}

/**
 * Makes an image of one layer of a root file system's tar. The tar is kept as it came (unpacked if it was
 * compressed), since a tar made again from the unpacked tree would not have the same digest. Returns the id.
 * @throws invalid for a malformed name, change, platform or archive; exhausted when the disk is full. Nothing is left then.
 */
export async function importImage(
  deps: ImportDeps,
  archive: Readable,
  request: ImportRequest,
  signal: AbortSignal,
): Promise<string> {
  const name = request.reference === undefined ? undefined : parseTag(request.reference);
  const platform = request.platform ? parsePlatform(request.platform) : hostPlatform();
  if (platform.os !== 'linux') throw unsupported(`images for ${platform.os} cannot be imported on Linux`);
  const config = applyChanges({}, request.changes);

  return withOperation(deps, 'import', async (operation) => {
    const tar = await spoolTar(deps, archive, signal);
    const layer = { mediaType: mediaTypes.ociLayer, digest: tar.digest, size: tar.size };
    try {
      operation.holdBlob(tar.digest);
      operation.holdLayers([tar.digest]);
      await tar.place();
      const kept = tar.keep(); // on its way to the disk while it is unpacked
      kept.catch(() => {}); // the unpacking waits for it and tells
      await deps.unpacker.unpack(layer, tar.digest, [], signal, () => {}, kept);
      await kept; // also where the layer was there already
    } finally {
      await tar.discard();
    }

    const created = (deps.now?.() ?? new Date()).toISOString();
    const blob: ImageConfigBlob = {
      ...platform,
      created,
      config,
      rootfs: { type: 'layers', diff_ids: [tar.digest] },
      history: [{ created, comment: request.message || 'Imported from -' }],
    };
    const { id, manifest } = await writeImage(deps.content, operation, blob, [layer]);
    await deps.state.record({ id, manifest, tags: name ? [name.normalised] : [], digests: [] });
    crashPoint('image.import.recorded');
    if (name) deps.events.publish('tag', id, name.familiar);
    deps.events.publish('import', id, id);
    return id;
  });
}

async function spoolTar({ content, limits }: ImportDeps, archive: Readable, signal: AbortSignal): Promise<SpooledBlob> {
  const spool: BlobSpool = await content.spool();
  try {
    let size = 0;
    for await (const chunk of unpackedStream(archive, signal, limits)) {
      await spool.write(chunk);
      size += chunk.length;
    }
    if (size === 0) throw invalid('the archive to import is empty', { code: 'bad-archive' });
    return await spool.finish();
  } catch (error) {
    await spool.discard();
    throw error;
  }
}
