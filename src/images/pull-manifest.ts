import { z } from 'zod';
import {
  type Descriptor,
  type ImageConfigBlob,
  type ImageIndex,
  type ImageManifest,
  mediaTypes,
} from '../api/oci/image.ts';
import { invalid, type TugError, unsupported } from '../base/errors.ts';
import { checkDepth } from './depth.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'only sha256 digests are supported');
const platform = z.looseObject({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const descriptor = z.looseObject({
  mediaType: z.string(),
  digest,
  size: z.number().int().nonnegative(),
  platform: platform.nullish().transform((value) => value ?? undefined),
});
const manifest = z.looseObject({
  schemaVersion: z.literal(2),
  config: descriptor,
  layers: z.array(descriptor).max(1024),
});
const index = z.looseObject({ schemaVersion: z.literal(2), manifests: z.array(descriptor).max(4096) });
const config = z.looseObject({
  os: z.string(),
  architecture: z.string(),
  rootfs: z.looseObject({ type: z.literal('layers'), diff_ids: z.array(digest) }),
});

export type Document =
  | { readonly kind: 'index'; readonly descriptor: Descriptor; readonly index: ImageIndex }
  | { readonly kind: 'image'; readonly descriptor: Descriptor; readonly manifest: ImageManifest };

const longestConfig = 4 * 1024 * 1024;
const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerList];
const imageTypes: readonly string[] = [mediaTypes.ociManifest, mediaTypes.dockerManifest];
const configTypes: readonly string[] = [mediaTypes.ociConfig, mediaTypes.dockerConfig];
const layerTypes: readonly string[] = [
  mediaTypes.ociLayer,
  mediaTypes.ociLayerGzip,
  mediaTypes.ociLayerZstd,
  mediaTypes.dockerLayerGzip,
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.zstd',
];

/**
 * Reads what a tag or digest stands for: an index or an image manifest, OCI's or Docker's version 2 schema 2.
 * `stated.mediaType` is what came with
 * the bytes, empty if nothing did; `name` is the image as the user writes it.
 * @throws unsupported for schema 1, artifacts that are no images, foreign layers; invalid for what breaks the format.
 */
export function readDocument(bytes: Buffer, stated: { mediaType: string; digest: string }, name: string): Document {
  const json = parseJson(bytes, `the manifest of ${name}`);
  const mediaType = mediaTypeOf(json, stated.mediaType, name);
  const descriptorOf = { mediaType, digest: stated.digest, size: bytes.length };
  if (indexTypes.includes(mediaType)) {
    if ('layers' in json || 'config' in json) throw ambiguous(name);
    return { kind: 'index', descriptor: descriptorOf, index: check(index, json, `the index of ${name}`) as ImageIndex };
  }
  if (imageTypes.includes(mediaType)) {
    if ('manifests' in json) throw ambiguous(name);
    const read = check(manifest, json, `the manifest of ${name}`) as ImageManifest;
    refuseOtherContent(read, name);
    return { kind: 'image', descriptor: descriptorOf, manifest: read };
  }
  throw refusedType(mediaType, json, name);
}

/**
 * Reads an image's configuration and compares it with its manifest.
 * @throws invalid when it is malformed or its number of layers differs; unsupported for another operating system.
 */
export function readConfig(bytes: Buffer, layers: number, name: string): ImageConfigBlob {
  const read = check(config, parseJson(bytes, `the configuration of ${name}`), `the configuration of ${name}`);
  const count = read.rootfs.diff_ids.length;
  if (count !== layers) {
    throw invalid(`${name} is broken: number of layers and diffIDs don't match: expected ${layers}, got ${count}`, {
      code: 'bad-image',
    });
  }
  checkDepth(count);
  if (read.os !== 'linux') {
    throw unsupported(
      `${name} is an image for the operating system ${JSON.stringify(read.os)}: this engine runs linux`,
    );
  }
  return read as unknown as ImageConfigBlob;
}

/** The document's own media type, which must not contradict the one that was stated with it. */
function mediaTypeOf(json: Record<string, unknown>, stated: string, name: string): string {
  const own = json['mediaType'];
  const known = (type: string): boolean => indexTypes.includes(type) || imageTypes.includes(type);
  if (typeof own !== 'string' || own === '') {
    if (known(stated) || json['schemaVersion'] !== 2) return stated;
    return 'manifests' in json ? mediaTypes.ociIndex : mediaTypes.ociManifest;
  }
  if (known(stated) && own !== stated) {
    throw invalid(`the manifest of ${name} says it is ${own}, the registry says ${stated}`, { code: 'bad-image' });
  }
  return own;
}

function refuseOtherContent(read: ImageManifest, name: string): void {
  if (!configTypes.includes(read.config.mediaType)) {
    throw unsupported(
      `${name} is not a container image: its configuration is of type ${JSON.stringify(read.config.mediaType)}`,
      {
        code: 'not-an-image',
      },
    );
  }
  if (read.config.size > longestConfig) {
    throw invalid(`the configuration of ${name} has ${read.config.size} bytes: more than ${longestConfig} are refused`);
  }
  for (const layer of read.layers) {
    if (layerTypes.includes(layer.mediaType)) continue;
    const foreign = layer.mediaType === mediaTypes.dockerForeignLayer || layer.mediaType.includes('nondistributable');
    const reason = foreign ? 'a foreign layer that is kept outside of the registry' : 'a layer of an unknown type';
    throw unsupported(`${name} has ${reason} (${JSON.stringify(layer.mediaType)}): such images are not supported`, {
      code: foreign ? 'foreign-layer' : 'unknown-layer',
    });
  }
}

function refusedType(mediaType: string, json: Record<string, unknown>, name: string): TugError {
  if (json['schemaVersion'] === 1 || mediaType.startsWith('application/vnd.docker.distribution.manifest.v1')) {
    const advice = 'ask its author to publish it in OCI format or as Docker manifest version 2, schema 2';
    return unsupported(
      `${name} is a Docker image of manifest version 2, schema 1, which is no longer supported: ${advice}`,
      {
        code: 'schema-1',
      },
    );
  }
  return unsupported(`${name} is not a container image: its manifest is of type ${JSON.stringify(mediaType)}`, {
    code: 'not-an-image',
  });
}

function ambiguous(name: string): TugError {
  return invalid(`the manifest of ${name} is an index and an image at once: refused`, { code: 'bad-image' });
}

function parseJson(bytes: Buffer, what: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(bytes.toString());
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch {
    // the sentence below says it
  }
  throw invalid(`${what} is not a JSON object`, { code: 'bad-image' });
}

function check<T>(schema: z.ZodType<T>, json: unknown, what: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalid(`${what} is malformed: ${issue?.path.join('.')}: ${issue?.message}`, { code: 'bad-image' });
}
