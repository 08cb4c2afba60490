import type { ImageNode } from '../api/types/image.ts';
import type { Image } from './contract.ts';
import type { ImageState } from './store.ts';
import { sharedLayers } from './usage.ts';

/**
 * Which images build on which. An image builds on another when it has all its layers (compared by chain-id, so in
 * the same order from the bottom) and more, or the same ones and a longer history that begins alike. Of several it is
 * the one with most in common. `users` are the names of containers by their image's id. By name, then id.
 */
export function imageTree(state: ImageState, users: ReadonlyMap<string, readonly string[]>): ImageNode[] {
  const images = state
    .ids()
    .map((id) => state.get(id))
    .filter((image) => image !== undefined);
  const byTop = Map.groupBy(images, ({ layers }) => layers.at(-1) ?? '');
  const shared = sharedLayers(images);
  const sizes = new Map(state.layers().map(({ chainId, size }) => [chainId, size]));
  const sum = (layers: readonly string[]): number =>
    layers.reduce((bytes, chainId) => bytes + (sizes.get(chainId) ?? 0), 0);
  return images
    .map((image): ImageNode => {
      const parent = parentOf(image, byTop);
      return {
        Id: image.id,
        RepoTags: [...image.tags],
        RepoDigests: [...image.digests],
        Parent: parent?.id ?? '',
        Created: Math.floor((Date.parse(image.config.created ?? '') || 0) / 1000),
        Size: image.size,
        OwnSize: sum(image.layers.slice(parent?.layers.length ?? 0)),
        SharedSize: sum(image.layers.filter((chainId) => shared.has(chainId))),
        Containers: [...(users.get(image.id) ?? [])],
      };
    })
    .sort((a, b) => compare(a.RepoTags[0] ?? '~', b.RepoTags[0] ?? '~') || compare(a.Id, b.Id));
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function parentOf(image: Image, byTop: ReadonlyMap<string, readonly Image[]>): Image | undefined {
  for (let length = image.layers.length; length > 0; length -= 1) {
    const candidates = (byTop.get(image.layers[length - 1] ?? '') ?? []).filter(
      (other) => other.id !== image.id && (length < image.layers.length || continues(image, other)),
    );
    const [best] = candidates.sort((a, b) => steps(b) - steps(a) || compare(a.id, b.id));
    if (best) return best;
  }
  return undefined;
}

const steps = ({ config }: Image): number => config.history?.length ?? 0;

/** True for an image whose history is that of the other, and goes on. */
function continues(image: Image, other: Image): boolean {
  if (steps(image) <= steps(other)) return false;
  const own = image.config.history ?? [];
  return (other.config.history ?? []).every((step, at) => JSON.stringify(step) === JSON.stringify(own[at]));
}
