import type { Platform } from '../api/oci/image.ts';
import type { HistoryItem, ImageNode } from '../api/types/image.ts';
import { imageTree } from './ancestry.ts';
import { compareTrees } from './compare.ts';
import type { FileChange } from './contract.ts';
import { imageHistory } from './history.ts';
import { resolveVariant } from './platform-variant.ts';
import { resolveImage } from './resolve.ts';
import { localName } from './short-names.ts';
import type { ImageStores } from './stores.ts';
import { type ImageUsage, imageUsage } from './usage.ts';

/** A container, as far as images are concerned. */
export interface ImageUser {
  readonly name: string;
  readonly imageId: string;
  /** Chain-ids that it stands on. */
  readonly layers: readonly string[];
}

/** What can be told of images without changing anything. References are resolved as `ImageService.resolve` does. */
export interface ImageReports {
  /** The last step first. @throws not-found, also when the image is for another platform. */
  history(reference: string, platform: Platform | undefined): HistoryItem[];
  /** The room that images take. */
  usage(users: readonly ImageUser[]): ImageUsage;
  /** Which images build on which. */
  tree(users: readonly ImageUser[]): ImageNode[];
  /** What is other in the files of `to` than in those of `from`. @throws not-found. */
  compare(from: string, to: string): Promise<FileChange[]>;
}

export function createImageReports(
  deps: Pick<ImageStores, 'state' | 'driver'> & { readonly searchRegistries?: readonly string[] },
): ImageReports {
  const { state, driver } = deps;
  const local = (text: string): string => localName(state, deps.searchRegistries ?? [], text);
  return {
    history: (reference, platform) => imageHistory(state, resolveVariant(state, local(reference), platform)),
    usage: (users) => imageUsage(state, users),
    tree(users) {
      const names = Map.groupBy(users, ({ imageId }) => imageId);
      return imageTree(state, new Map([...names].map(([id, list]) => [id, list.map(({ name }) => name)])));
    },
    compare: async (from, to) => {
      const [old, now] = [resolveImage(state, local(from)), resolveImage(state, local(to))];
      return await compareTrees(driver.stack(old.layers), driver.stack(now.layers));
    },
  };
}
