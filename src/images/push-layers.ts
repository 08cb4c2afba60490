import { isKind, TugError } from '../base/errors.ts';
import { parseReference } from '../formats/reference.ts';
import type { PushTarget } from '../registry-client/push-target.ts';
import { type LayerProgress, layerProgress } from './pull-progress.ts';
import type { PushOperation } from './push.ts';
import type { PushLayer, PushPlan } from './push-plan.ts';

/**
 * Sees to it that the target has all layers: those it has are left, those that another repository of the same
 * registry has are mounted, the others sent, several at once. Resolves with the layers whose bytes are to be had
 * nowhere. When one fails the others are cancelled, and all have ended when this throws.
 */
export async function sendLayers(operation: PushOperation, plan: PushPlan, target: PushTarget): Promise<PushLayer[]> {
  const layers = distinct(plan.layers);
  for (const { diffId } of layers) layerProgress(operation.progress, diffId).say('Preparing');
  const group = new AbortController();
  const signal = AbortSignal.any([operation.signal, group.signal]);
  const all = layers.map(async (layer) => {
    const lines = layerProgress(operation.progress, layer.diffId);
    const { slots } = operation.work;
    if (slots.free() === 0) lines.say('Waiting');
    let done = false;
    await slots.with(signal, async () => {
      done = await bringThere({ ...operation, signal }, layer, target, lines);
    });
    return done ? [] : [layer];
  });
  try {
    return (await Promise.all(all)).flat();
  } catch (error) {
    group.abort(error);
    await Promise.allSettled(all);
    throw error;
  }
}

/** Each blob once, the top layer first. */
function distinct(layers: readonly PushLayer[]): PushLayer[] {
  return [...new Map(layers.toReversed().map((layer) => [layer.blob.digest, layer])).values()];
}

/** False when neither the target nor a registry that the image came from has the blob, and this engine has not either. */
async function bringThere(
  operation: PushOperation,
  { blob }: PushLayer,
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
async function fetchOriginal(
  operation: PushOperation,
  blob: PushLayer['blob'],
  lines: LayerProgress,
): Promise<boolean> {
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
