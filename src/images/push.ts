import { randomBytes } from 'node:crypto';
import type { Platform } from '../api/oci/image.ts';
import { invalid, notFound } from '../base/errors.ts';
import type { Leases } from '../base/leases.ts';
import { formatPlatform, normalisePlatform } from '../formats/platform.ts';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  repositoryName,
  withDigest,
} from '../formats/reference.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { LocalContentStore } from './content/store.ts';
import type { Image, Progress, PushRequest, RegistryAuth } from './contract.ts';
import type { Collected } from './gc.ts';
import { variantOf } from './platform-variant.ts';
import { sendLayers } from './push-layers.ts';
import { outlinePush, type PushLayer, recordCompressed, withLayersAtHand } from './push-plan.ts';
import { createPushWork, type PushWork } from './push-work.ts';
import type { ImageState } from './store.ts';

export interface PushDeps {
  readonly registries: RegistryClient;
  readonly content: LocalContentStore;
  readonly state: ImageState;
  readonly leases: Leases;
  /** Removes what nothing needs any more. */
  readonly collect: () => Promise<Collected>;
  /** Docker's `max-concurrent-uploads`, 5 by default. */
  readonly maxConcurrentUploads?: number;
}

/** Sends what a request names; resolves with the references that were sent. */
export type Push = (request: PushRequest, progress: Progress, signal: AbortSignal) => Promise<Reference[]>;

/**
 * Makes the engine's push. Idempotent. Interrupted or failed, it leaves the state as it was, but for layers that
 * were compressed to be sent and stay so.
 * @throws (the returned function) not-found when no image has the name, invalid for a digest; what the registry says.
 */
export function createPush(deps: PushDeps): Push {
  const work = createPushWork(deps);
  return async (request, progress, signal) => {
    const chosen = choose(deps.state, request);
    progress({ status: `The push refers to repository [${repositoryName(parseReference(request.reference))}]` });
    const holder = `push:${randomBytes(8).toString('hex')}`;
    const known = new Set<string>();
    try {
      for (const { reference, image } of chosen) {
        await pushOne({ ...deps, ...request, work, holder, known, reference, image, progress, signal });
      }
    } finally {
      deps.leases.release(holder);
      if (work.takeReplaced()) await deps.collect();
    }
    return chosen.map(({ reference }) => reference);
  };
}

/** One tag that is being sent. */
export interface PushOperation extends PushDeps {
  readonly work: PushWork;
  readonly holder: string;
  /** Digests of blobs that the target has, by what this push has seen. */
  readonly known: Set<string>;
  readonly reference: Reference;
  readonly image: Image;
  readonly platform: Platform | undefined;
  readonly auth: RegistryAuth | undefined;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

function choose(
  state: ImageState,
  { reference: text, platform }: PushRequest,
): { reference: Reference; image: Image }[] {
  const reference = parseReference(text);
  if (reference.digest !== undefined) throw invalid('cannot push a digest reference');
  const tags =
    reference.tag === undefined
      ? state.tagsOf(repositoryName(reference))
      : [{ name: formatReference(reference), id: state.byName(formatReference(reference)) ?? '' }];
  const chosen = tags.flatMap(({ name, id }) => {
    const image = state.get(id);
    return image ? [{ reference: parseReference(name), image }] : [];
  });
  if (chosen.length === 0) {
    throw notFound(`An image does not exist locally with the tag: ${familiarName(reference)}`, { code: 'no-such-tag' });
  }
  return platform ? chosen.map((one) => forPlatform(state, one, platform)) : chosen;
}

/** The image for the platform among those of the index that the one with the name came from. */
function forPlatform(
  state: ImageState,
  { reference, image }: { reference: Reference; image: Image },
  wanted: Platform,
) {
  const name = formatFamiliar(reference);
  const found = variantOf(state, image, name, wanted);
  if (found) return { reference, image: found };
  const [actual, asked] = [image.config, wanted].map((one) => formatPlatform(normalisePlatform(one)));
  const text = `image with reference ${name} was found but its platform (${actual}) does not match the specified platform (${asked})`;
  throw notFound(text, { code: 'no-matching-manifest' });
}

async function pushOne(operation: PushOperation): Promise<void> {
  const { reference, registries, auth, progress, signal, state, image } = operation;
  const target = registries.pushTarget(reference, auth);
  const outline = await outlinePush(operation);
  hold(operation, outline.layers);
  const { blobs, missing } = await sendLayers(operation, outline.layers, target);
  let plan = outline.manifest ? outline : await recordCompressed(operation, blobs);
  if (missing.size > 0) {
    plan = withLayersAtHand(operation, plan, missing);
    hold(operation, plan.layers);
    progress({ status: changedDigest(missing.size) });
    await sendLayers(operation, plan.layers, target);
  }
  await operation.work.sendSmall(plan.config, target, operation);
  const { index, manifest, attached } = plan;
  for (const one of attached) {
    for (const blob of [one.config, ...one.statements]) await operation.work.sendSmall(blob, target, operation);
    const bytes = await operation.content.read(one.manifest.digest);
    await target.putManifest(one.manifest.digest, { ...one.manifest, bytes }, signal);
  }
  if (index) await target.putManifest(manifest.digest, manifest, signal);
  const top = index ?? manifest;
  const tag = reference.tag ?? '';
  await target.putManifest(tag, top, signal);
  state.setDigest(formatReference(withDigest(reference, top.digest)), image.id);
  progress({ status: `${tag}: digest: ${top.digest} size: ${top.bytes.length}` });
  progress({ progressDetail: {}, aux: { Tag: tag, Digest: top.digest, Size: top.bytes.length } });
}

function hold({ leases, holder, image }: PushOperation, layers: readonly PushLayer[]): void {
  leases.acquire('operation', holder, 'blob', image.id);
  for (const { blob } of layers) leases.acquire('operation', holder, 'blob', blob.digest);
}

function changedDigest(layers: number): string {
  const what = layers === 1 ? 'A layer is' : `${layers} layers are`;
  return `WARNING: ${what} here only as another image compressed it, and no registry this image came from gives the original: pushing what is here, under another digest than the image was pulled with`;
}
