import type { HistoryItem } from '../api/types/image.ts';
import { internal } from '../base/errors.ts';
import type { Image } from './contract.ts';
import type { ImageState } from './store.ts';

/**
 * How an image was made, the last step first, in the shape of `GET /images/{name}/history`. Only the image itself has
 * an id: the steps below it are layers, no images.
 * @throws internal when the configuration tells of more layers than there are.
 */
export function imageHistory(state: ImageState, image: Image): HistoryItem[] {
  let layer = 0;
  const items = (image.config.history ?? []).map((step): HistoryItem => {
    const chainId = step.empty_layer ? undefined : image.layers[layer++];
    if (chainId === undefined && !step.empty_layer) throw internal('too many non-empty layers in History section');
    const created = Date.parse(step.created ?? '');
    return {
      Id: '<missing>',
      Created: Number.isNaN(created) ? 0 : Math.floor(created / 1000),
      CreatedBy: step.created_by ?? '',
      Tags: null,
      Size: chainId === undefined ? 0 : (state.layer(chainId)?.size ?? 0),
      Comment: step.comment ?? '',
    };
  });
  const top = items.at(-1);
  if (top) {
    top.Id = image.id;
    top.Tags = image.tags.length > 0 ? [...image.tags] : null;
  }
  return items.reverse();
}
