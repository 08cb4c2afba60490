import { randomBytes } from 'node:crypto';
import { type ImageBytes, makeImage } from './image-layout.ts';
import { putImage } from './put-image.ts';
import type { TugRegistry } from './tug-registry.ts';

/**
 * Three clients push the same few images again and again, and delete some, to processes over one storage that collect
 * meanwhile, of which one may be killed half-way. Resolves with the images whose push was answered last, by `repository:tag`.
 */
export async function pushThroughCollections(
  registries: readonly TugRegistry[],
  { rounds, killed }: { readonly rounds: number; readonly killed?: TugRegistry },
): Promise<ReadonlyMap<string, ImageBytes>> {
  const images = Array.from({ length: 4 }, () => makeImage([randomBytes(100)]));
  const acknowledged = new Map<string, ImageBytes>();
  const push = async (client: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const registry = registries[(round + client) % registries.length];
      const image = images[(round * 3 + client) % images.length];
      if (!registry || !image) throw new Error('no registry is given');
      const [repository, tag] = [`app${round % 2}`, `t${client}`];
      try {
        await putImage(image, registry.host, repository, tag);
        acknowledged.set(`${repository}:${tag}`, image);
      } catch {
        acknowledged.delete(`${repository}:${tag}`); // the old or the new one, and each of them whole
      }
      if (client === 0 && round === (rounds >> 1) - 1) await killed?.killAndRestart();
      if (client === 1 && round % 4 === 1) {
        acknowledged.delete(`${repository}:${tag}`);
        const url = `http://${registry.host}/v2/${repository}/manifests/${tag}`;
        await fetch(url, { method: 'DELETE' }).catch(() => undefined); // it may have been killed
      }
    }
  };
  await Promise.all([0, 1, 2].map(push));
  return acknowledged;
}
