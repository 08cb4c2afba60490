import { z } from 'zod';
import { type Descriptor, mediaTypes } from '../../../api/oci/image.ts';
import { invalid } from '../../../base/errors.ts';
import { sha256 } from '../../../formats/digest.ts';
import { formatManifest } from '../../../images/new-image.ts';

/**
 * A cache as it is sent: an OCI image manifest whose layers are those of steps (and tars of cache mounts), and whose
 * configuration tells which steps came to them. An image can have the same field in its own configuration. As in an
 * image's, `rootfs.diff_ids` are the digests of the plain tars, in the order of the manifest's layers.
 */
export const cacheConfigType = 'application/vnd.tug.buildcache.config.v1+json';
export const cacheMountType = 'application/vnd.tug.buildcache.mount.v1.tar+gzip';
/** The field in the configuration. */
export const cacheField = 'tug.buildcache.v1';

/** A step that was done elsewhere. */
export interface SentStep {
  /** Of what it does and works on: the same on every engine. */
  readonly key: string;
  readonly description: string;
  /** RFC 3339. */
  readonly created: string;
  /** The digest of its layer's tar; absent where it changed no file. */
  readonly layer?: string | undefined;
}

/** A folder of `--mount=type=cache`. */
export interface SentMount {
  readonly key: string;
  readonly layer: string;
}

export interface SentCache {
  readonly steps: readonly SentStep[];
  readonly mounts: readonly SentMount[];
}

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const key = z.string().regex(/^[0-9a-f]{64}(-\d+)?$/);
const step = z.object({
  ...{ key, description: z.string().max(100_000), created: z.iso.datetime({ offset: true }) },
  layer: digest.optional(),
});
const config = z.looseObject({
  rootfs: z.looseObject({ diff_ids: z.array(digest) }),
  [cacheField]: z
    .object({ steps: z.array(step).max(100_000), mounts: z.array(z.object({ key, layer: digest })).default([]) })
    .optional(),
});

/** What a manifest's configuration tells: blobs by the digests of their tars, and the steps, if any. @throws invalid. */
export function readCache(
  bytes: Buffer,
  layers: readonly Descriptor[],
): { cache: SentCache | undefined; blobs: ReadonlyMap<string, Descriptor> } {
  const read = config.safeParse(parse(bytes));
  if (!read.success) throw invalid('its configuration is malformed', { code: 'bad-cache' });
  const { rootfs } = read.data;
  if (rootfs.diff_ids.length !== layers.length) throw invalid('its layers are not told whole', { code: 'bad-cache' });
  const blobs = new Map(layers.map((layer, at) => [rootfs.diff_ids[at] ?? '', layer]));
  return { cache: read.data[cacheField] as SentCache | undefined, blobs };
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

export interface FormattedCache {
  readonly config: { readonly descriptor: Descriptor; readonly bytes: Buffer };
  readonly manifest: { readonly descriptor: Descriptor; readonly bytes: Buffer };
}

/** `blobs` by the digests of their tars. The same cache gives the same bytes. */
export function formatCache(cache: SentCache, blobs: ReadonlyMap<string, Descriptor>): FormattedCache {
  const rootfs = { type: 'layers', diff_ids: [...blobs.keys()] };
  const bytes = Buffer.from(JSON.stringify({ rootfs, [cacheField]: cache }));
  const descriptor = { mediaType: cacheConfigType, digest: sha256(bytes), size: bytes.length };
  const manifest = formatManifest(descriptor, [...blobs.values()]);
  return {
    config: { descriptor, bytes },
    manifest: {
      descriptor: { mediaType: mediaTypes.ociManifest, digest: sha256(manifest), size: manifest.length },
      bytes: manifest,
    },
  };
}
