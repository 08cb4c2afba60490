import type { Readable } from 'node:stream';
import type { ImageConfigBlob } from '../api/oci/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import { unsupported } from '../base/errors.ts';
import { hostPlatform, parsePlatform } from '../formats/platform.ts';
import { applyChanges } from './changes.ts';
import type { ArrivingUnpacker, LayerUnpacker } from './content/contract.ts';
import type { LocalContentStore } from './content/store.ts';
import type { ImportRequest } from './contract.ts';
import type { CollectorDeps } from './gc.ts';
import type { ImageEvents } from './image-events.ts';
import { importLayer } from './import-layer.ts';
import { writeImage } from './new-image.ts';
import { withOperation } from './operation.ts';
import { parseTag } from './tag.ts';
import type { UnpackLimits } from './unpack/layer.ts';

export interface ImportDeps extends CollectorDeps {
  readonly content: LocalContentStore;
  readonly unpacker: LayerUnpacker & ArrivingUnpacker;
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
    const layer = await importLayer(deps, operation, archive, signal);
    const created = (deps.now?.() ?? new Date()).toISOString();
    const blob: ImageConfigBlob = {
      ...platform,
      created,
      config,
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
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
