import * as z from 'zod';
import type { Descriptor, ImageConfigBlob, ImageManifest } from '../api/oci/image.ts';
import { invalid } from '../base/errors.ts';
import { isDigest } from '../formats/digest.ts';

const digest = z.string().refine(isDigest, 'not a digest');
const strings = z.array(z.string());
const keys = z.record(z.string(), z.object({}));
const text = z.record(z.string(), z.string());

const descriptor = z.looseObject({
  mediaType: z.string(),
  digest,
  size: z.int().nonnegative(),
  annotations: text.optional(),
});

const manifest = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  config: descriptor,
  layers: z.array(descriptor),
});

const runConfig = z.looseObject({
  User: z.string().optional(),
  ExposedPorts: keys.nullish(),
  Env: strings.nullish(),
  Entrypoint: strings.nullish(),
  Cmd: strings.nullish(),
  Volumes: keys.nullish(),
  WorkingDir: z.string().optional(),
  Labels: text.nullish(),
  StopSignal: z.string().optional(),
  StopTimeout: z.number().nullish(),
  Shell: strings.nullish(),
  OnBuild: strings.nullish(),
  Healthcheck: z.looseObject({ Test: strings.nullish() }).nullish(),
});

const imageConfig = z.looseObject({
  created: z.string().nullish(),
  author: z.string().optional(),
  architecture: z.string().default(''),
  os: z.string().default('linux'),
  variant: z.string().optional(),
  config: runConfig.nullish(),
  rootfs: z.looseObject({ type: z.literal('layers').default('layers'), diff_ids: z.array(digest).nullish() }),
  history: z.array(z.looseObject({ empty_layer: z.boolean().optional() })).nullish(),
});

/**
 * Reads an image configuration (OCI image-spec, config.md; Docker's v1.2 is its equal). Unknown fields stay;
 * nulls that Go programs write for empty lists are taken out.
 * @throws invalid with code `bad-config`.
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfigBlob {
  const parsed = check(imageConfig, bytes, 'image configuration', 'bad-config');
  const { rootfs, ...rest } = withoutNulls(parsed);
  const config = rest['config'] === undefined ? {} : { config: withoutNulls(rest['config'] as object) };
  const clean = { ...rest, ...config, rootfs: { ...(rootfs as object), diff_ids: parsed.rootfs.diff_ids ?? [] } };
  return clean as unknown as ImageConfigBlob;
}

/** Reads an image manifest (OCI image-spec, manifest.md, or Docker's schema 2). @throws invalid with code `bad-manifest`. */
export function parseManifest(bytes: Uint8Array): ImageManifest {
  return check(manifest, bytes, 'image manifest', 'bad-manifest') as unknown as ImageManifest;
}

const index = z.looseObject({ schemaVersion: z.literal(2), manifests: z.array(descriptor) });

/** Reads an image index (OCI image-spec, image-index.md, or Docker's list). @throws invalid with code `bad-index`. */
export function parseIndex(bytes: Uint8Array): { manifests: readonly Descriptor[] } {
  return check(index, bytes, 'image index', 'bad-index') as unknown as { manifests: readonly Descriptor[] };
}

function check<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string, code: string): T {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString());
  } catch (error) {
    throw invalid(`the ${what} is not JSON`, { code, cause: error });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.length ? ` at "${issue.path.join('.')}"` : '';
  throw invalid(`the ${what} is malformed${where}: ${issue?.message ?? 'unknown reason'}`, { code });
}

function withoutNulls(object: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));
}
