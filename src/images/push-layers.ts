import type { Descriptor } from '../api/oci/image.ts';
import { isKind, TugError } from '../base/errors.ts';
import { parseReference } from '../formats/reference.ts';
import type { PushTarget } from '../registry-client/push-target.ts';
import { type LayerProgress, layerProgress } from './pull-progress.ts';
import type { PushOperation } from './push.ts';
import type { PushLayer } from './push-plan.ts';

/** What became of the layers that were to be sent. */
export interface SentLayers {
  /** As they are in the target, bottom first. */
  readonly blobs: readonly Descriptor[];
  /** Digests of those whose bytes are to be had nowhere. */
  readonly missing: ReadonlySet<string>;
}

/**
 * Sees to it that the target has all layers: those it has are left, those that another repository of the same
 * registry has are mounted, the others sent, several at once. What is to be compressed is so one layer after the
 * other, each by all processors, while those before it are sent. When one fails the others are cancelled, and all
 * have ended when this throws.
 */
export async function sendLayers(
  operation: PushOperation,
  all: readonly PushLayer[],
  target: PushTarget,
): Promise<SentLayers> {
  const layers = distinct(all);
  for (const { diffId } of layers) layerProgress(operation.progress, diffId).say('Preparing');
  const group = new AbortController();
  const signal = AbortSignal.any([operation.signal, group.signal]);
  const missing = new Set<string>();
  const sent = new Map<string, Descriptor>();
  const work = layers.map(async (layer) => {
    const { blob, isThere } = await sendLayer({ ...operation, signal }, layer, target);
    sent.set(layer.blob.digest, blob);
    if (!isThere) missing.add(blob.digest);
  });
  try {
    await Promise.all(work);
  } catch (error) {
    group.abort(error);
    await Promise.allSettled(work);
    throw error;
  }
  return { missing, blobs: all.map(({ blob }) => sent.get(blob.digest) ?? blob) };
}

async function sendLayer(
  operation: PushOperation,
  layer: PushLayer,
  target: PushTarget,
): Promise<{ blob: Descriptor; isThere: boolean }> {
  const { work, holder, signal } = operation;
  const lines = layerProgress(operation.progress, layer.diffId);
  const { compress } = layer;
  const blob = compress === undefined ? layer.blob : await work.compress(layer.blob, compress, holder, signal);
  if (work.slots.free() === 0) lines.say('Waiting');
  const isThere = await work.slots.with(signal, () => bringThere(operation, blob, target, lines));
  return { blob, isThere };
}

/** Each blob once, the top layer first. */
function distinct(layers: readonly PushLayer[]): PushLayer[] {
  return [...new Map(layers.toReversed().map((layer) => [layer.blob.digest, layer])).values()];
}

/** False when neither the target nor a registry that the image came from has the blob, and this engine has not either. */
async function bringThere(
  operation: PushOperation,
  blob: Descriptor,
  target: PushTarget,
  lines: LayerProgress,
): Promise<boolean> {
  const { known, content, work, signal } = operation;
  if (known.has(blob.digest) || (await target.hasBlob(blob.digest, signal))) {
    lines.say('Layer already exists');
    known.add(blob.digest);
    return true;
  }
  const mounted = await mountFrom(operation, blob.digest, target);
  if (mounted !== undefined) {
    lines.say(`Mounted from ${mounted}`);
    known.add(blob.digest);
    return true;
  }
  if (!content.has(blob.digest) && !(await fetchOriginal(operation, blob, lines))) return false;
  await work.send(blob, target, lines, signal);
  lines.say('Pushed');
  known.add(blob.digest);
  return true;
}

/** The repository, as users write its path, that the registry took the blob over from. */
async function mountFrom(operation: PushOperation, digest: string, target: PushTarget): Promise<string | undefined> {
  const { reference, state, signal } = operation;
  const others = state.repositoriesWith(digest, reference.domain).filter((path) => path !== reference.path);
  for (const from of others.slice(0, mostMounts)) {
    if (await target.mountBlob(digest, from, signal)) return from;
  }
  return undefined;
}

const mostMounts = 3;

/**
 * Fetches the blob that a layer of this image has in its registry, when the layer is here only from an image that
 * compressed it in another way. The login goes only to the registry that it is for.
 */
async function fetchOriginal(operation: PushOperation, blob: Descriptor, lines: LayerProgress): Promise<boolean> {
  const { image, reference, registries, auth, content, work, signal } = operation;
  const places = new Map(image.digests.map((name) => [name.split('@')[0], parseReference(name)]));
  for (const name of places.values()) {
    const { own, mirrors } = registries.repository(name, name.domain === reference.domain ? auth : undefined);
    for (const from of [...mirrors, own]) {
      try {
        lines.say('Fetching the original');
        await work.downloads.fetch(blob, from, operation.progress, signal);
        return content.has(blob.digest);
      } catch (error) {
        const isRefusal = error instanceof TugError && !isKind(error, 'exhausted') && !isKind(error, 'internal');
        if (signal.aborted || !isRefusal) throw error;
      }
    }
  }
  return false;
}
