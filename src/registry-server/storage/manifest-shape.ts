import * as z from 'zod';
import { mediaTypes } from '../../api/oci/image.ts';
import { invalid, type TugError } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import type { Referrer } from '../contract.ts';

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest, 'is no digest that is known'),
  size: z.int().nonnegative(),
  urls: z.array(z.string()).nullish(),
});
const shared = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
  subject: descriptor.nullish(),
};
const image = z.object({ ...shared, config: descriptor, layers: z.array(descriptor) });
const index = z.object({ ...shared, manifests: z.array(descriptor) });

type Descriptor = z.output<typeof descriptor>;

/** What a registry needs to know of a manifest (OCI image-spec; Docker's "Image Manifest V 2, Schema 2"). */
export interface ManifestShape {
  readonly mediaType: string;
  /** Config and layers that have to be in the repository. */
  readonly blobs: readonly Descriptor[];
  /** Layers that are only at their URLs (Docker's foreign layers). */
  readonly elsewhere: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  readonly subject: string | undefined;
  /** How it is listed among what refers to its subject. */
  readonly referrer: Omit<Referrer, 'digest' | 'size'>;
}

const imageTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];
const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerList];

/**
 * Reads a manifest. `declared` is the Content-Type it came with, where it came with one.
 * @throws invalid `manifest-invalid` for anything but an image manifest or index of OCI or Docker's schema 2.
 */
export function readManifest(content: Uint8Array, declared?: string): ManifestShape {
  const value = parseJson(content);
  const mediaType = typeOf(value);
  if (
    declared &&
    declared !== mediaType &&
    [...imageTypes, ...indexTypes, mediaTypes.dockerSchema1].includes(declared)
  ) {
    throw bad(`it was sent as ${declared}, and says of itself that it is ${mediaType}`);
  }
  const isIndex = indexTypes.includes(mediaType);
  if (!isIndex && !imageTypes.includes(mediaType)) throw bad(`manifests of type ${mediaType} are not kept here`);
  return isIndex ? indexShape(mediaType, check(index, value)) : imageShape(mediaType, check(image, value));
}

function imageShape(mediaType: string, value: z.output<typeof image>): ManifestShape {
  const elsewhere = value.layers.filter(isForeign);
  return {
    mediaType,
    blobs: [value.config, ...value.layers.filter((layer) => !isForeign(layer))],
    elsewhere,
    manifests: [],
    subject: value.subject?.digest,
    referrer: referrerOf(mediaType, value.artifactType || value.config.mediaType, value.annotations),
  };
}

function indexShape(mediaType: string, value: z.output<typeof index>): ManifestShape {
  const referrer = referrerOf(mediaType, value.artifactType, value.annotations);
  return { mediaType, blobs: [], elsewhere: [], manifests: value.manifests, subject: value.subject?.digest, referrer };
}

const referrerOf = (
  mediaType: string,
  artifactType: string | undefined,
  annotations: Readonly<Record<string, string>> | null | undefined,
): ManifestShape['referrer'] => ({
  mediaType,
  ...(artifactType ? { artifactType } : {}),
  ...(annotations ? { annotations } : {}),
});

/** A layer that may not be distributed, with the addresses where it is. */
const isForeign = ({ mediaType, urls }: Descriptor): boolean =>
  (mediaType === mediaTypes.dockerForeignLayer || mediaType.includes('.nondistributable.')) && (urls?.length ?? 0) > 0;

function parseJson(content: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));
  } catch {
    throw bad('it is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('it is no JSON object');
  return value as Record<string, unknown>;
}

/** Only OCI's may leave it out; the two are told apart by what they have. */
function typeOf(value: Record<string, unknown>): string {
  const { mediaType, manifests, config, layers } = value;
  if (value['schemaVersion'] === 1) throw bad('manifests of schema version 1 are not kept here');
  // One that could be read as either would be checked as one and used as the other.
  if (manifests !== undefined && (config !== undefined || layers !== undefined)) {
    throw bad('it has both "manifests" and "config" or "layers"');
  }
  if (typeof mediaType === 'string' && mediaType !== '') return mediaType;
  return manifests === undefined ? mediaTypes.ociManifest : mediaTypes.ociIndex;
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw bad(`${issue?.path.join('.')}: ${issue?.message}`);
}

const bad = (why: string): TugError => invalid(`manifest invalid: ${why}`, { code: 'manifest-invalid' });
