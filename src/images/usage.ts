import type { ImageSummary } from '../api/types/image.ts';
import type { Image } from './contract.ts';
import { summarise } from './list.ts';
import type { ImageState } from './store.ts';

/** The room that images take, in bytes of the files in their layers, each layer once. */
export interface ImageUsage {
  readonly total: number;
  /** What removing all images without a container would free. */
  readonly reclaimable: number;
  /** With `SharedSize`, what an image has in common with others, and `Containers`, how many use it. Newest first. */
  readonly images: ImageSummary[];
}

/**
 * `users` are the containers by the image they stand on (its id) and its layers, which outlive an image that was
 * removed by force.
 */
export function imageUsage(
  state: ImageState,
  users: readonly { readonly imageId: string; readonly layers: readonly string[] }[],
): ImageUsage {
  const sizes = new Map(state.layers().map(({ chainId, size }) => [chainId, size]));
  const images = state
    .ids()
    .map((id) => state.get(id))
    .filter((image) => image !== undefined);
  const containers = new Map<string, number>();
  for (const { imageId } of users) containers.set(imageId, (containers.get(imageId) ?? 0) + 1);
  const shared = sharedLayers(images);
  const needed = new Set(users.flatMap(({ layers }) => layers));
  const sum = (layers: Iterable<string>): number =>
    [...layers].reduce((bytes, chainId) => bytes + (sizes.get(chainId) ?? 0), 0);
  return {
    total: sum(sizes.keys()),
    reclaimable: sum([...sizes.keys()].filter((chainId) => !needed.has(chainId))),
    images: images
      .map((image) => ({
        ...summarise(image),
        SharedSize: sum(image.layers.filter((chainId) => shared.has(chainId))),
        Containers: containers.get(image.id) ?? 0,
      }))
      .sort((a, b) => b.Created - a.Created || (a.Id < b.Id ? -1 : 1)),
  };
}

/** Layers that more than one image has. */
export function sharedLayers(images: readonly Image[]): Set<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { layers } of images) for (const chainId of layers) (seen.has(chainId) ? shared : seen).add(chainId);
  return shared;
}
