import type { ImageConfigBlob, Platform } from '../api/oci/image.ts';
import { notFound } from '../base/errors.ts';
import { formatPlatform, normalisePlatform } from '../formats/platform.ts';
import type { Image } from './contract.ts';
import { isIdOf, resolveImage } from './resolve.ts';
import type { ImageState } from './store.ts';

/** True when an image's configuration is for exactly this platform, in whatever spelling (`arm64` and `arm64/v8` are one). */
export function isForPlatform(
  config: Pick<ImageConfigBlob, 'os' | 'architecture' | 'variant'>,
  wanted: Platform,
): boolean {
  return formatPlatform(normalisePlatform(config)) === formatPlatform(normalisePlatform(wanted));
}

/**
 * The image that a reference means on a platform: the image itself, or another one that was taken from the same
 * index under that name. An id means the one image. Without a platform it is `resolveImage`.
 * @throws not-found in Docker's words when there is no image of that name, or none for that platform.
 */
export function resolveVariant(state: ImageState, reference: string, platform: Platform | undefined): Image {
  const image = resolveImage(state, reference);
  if (platform === undefined) return image;
  const found = variantOf(state, image, reference, platform);
  if (found) return found;
  const wanted = formatPlatform(normalisePlatform(platform));
  const what = `image with reference ${reference} was found but does not provide the specified platform (${wanted})`;
  throw notFound(`${what}: it is for ${formatPlatform(image.config)}`, { code: 'no-such-platform' });
}

/** The image itself where it is for the platform, else one of the same index, unless it was named by its id. */
export function variantOf(state: ImageState, image: Image, reference: string, platform: Platform): Image | undefined {
  if (isForPlatform(image.config, platform)) return image;
  const index = isIdOf(image.id, reference) ? undefined : state.indexOf(image.id);
  if (index === undefined) return undefined;
  const siblings = state.imagesOfIndex(index.digest).map((id) => state.get(id));
  return siblings.find((one) => one !== undefined && isForPlatform(one.config, platform));
}
