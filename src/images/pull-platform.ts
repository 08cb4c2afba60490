import type { Descriptor, Platform } from '../api/oci/image.ts';
import { notFound } from '../base/errors.ts';
import { formatPlatform, normalisePlatform } from '../formats/platform.ts';

/**
 * The entry of an index for a platform: the exact one, else the nearest that such a machine runs (amd64: lower
 * levels, then 386; arm64: 32-bit arm; arm: lower versions), else the first that states no platform.
 * @throws not-found in Docker's words.
 */
export function selectManifest(manifests: readonly Descriptor[], platform: Platform): Descriptor {
  for (const wanted of runnable(platform)) {
    const found = manifests.find(
      (entry) => entry.platform && formatPlatform(normalisePlatform(entry.platform)) === wanted,
    );
    if (found) return found;
  }
  const unstated = manifests.find((entry) => entry.platform === undefined);
  if (unstated) return unstated;
  throw notFound(`no matching manifest for ${formatPlatform(platform)} in the manifest list entries`, {
    code: 'no-matching-manifest',
  });
}

/** What a machine of that platform runs, best first. */
function runnable(platform: Platform): string[] {
  const { os, architecture, variant } = platform;
  const best = formatPlatform(platform);
  const arm = (from: number): string[] => [7, 6, 5].filter((v) => v <= from).map((v) => `${os}/arm/v${v}`);
  const level = Number(variant?.slice(1) ?? Number.NaN);
  if (architecture === 'amd64') {
    const lower = [3, 2].filter((v) => v < level).map((v) => `${os}/amd64/v${v}`);
    return [best, ...lower, `${os}/amd64`, `${os}/386`];
  }
  if (architecture === 'arm64') return [best, `${os}/arm64`, `${os}/arm/v8`, ...arm(7)];
  if (architecture === 'arm') return [best, ...arm(Number.isNaN(level) ? 7 : level)];
  return [best];
}
