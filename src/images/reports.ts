import type { Platform } from '../api/oci/image.ts';
import type { HistoryItem } from '../api/types/image.ts';
import { notFound } from '../base/errors.ts';
import type { Image } from './contract.ts';
import { imageHistory } from './history.ts';
import { formatPlatform } from './pull-platform.ts';
import { resolveImage } from './resolve.ts';
import type { ImageStores } from './stores.ts';

/** What can be told of images without changing anything. References are resolved as `ImageService.resolve` does. */
export interface ImageReports {
  /** The last step first. @throws not-found, also when the image is for another platform. */
  history(reference: string, platform: Platform | undefined): HistoryItem[];
}

export function createImageReports(deps: Pick<ImageStores, 'state' | 'driver'>): ImageReports {
  const { state } = deps;
  return {
    history(reference, platform) {
      const image = resolveImage(state, reference);
      if (platform && !isFor(image, platform)) {
        const what = `image with reference ${reference} was found but does not provide the specified platform`;
        const own = formatPlatform(image.config);
        throw notFound(`${what} (${formatPlatform(platform)}): it is for ${own}`, { code: 'no-such-platform' });
      }
      return imageHistory(state, image);
    },
  };
}

function isFor({ config }: Image, { os, architecture, variant }: Platform): boolean {
  if (config.os !== os || config.architecture !== architecture) return false;
  return variant === undefined || config.variant === undefined || config.variant === variant;
}
