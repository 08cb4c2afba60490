import type { Descriptor } from '../api/oci/image.ts';
import type { Repository } from '../registry-client/repository.ts';
import type { ContentStore, LayerUnpacker } from './content/contract.ts';
import type { Progress } from './contract.ts';
import type { Downloads } from './pull-download.ts';
import { layerProgress } from './pull-progress.ts';

export interface LayerDeps {
  readonly content: ContentStore;
  readonly downloads: Downloads;
  readonly unpacker: LayerUnpacker;
  /** True for a layer that is unpacked, committed and recorded. */
  readonly hasLayer: (chainId: string) => boolean;
}

/** A layer of an image: its blob, its tar's digest and the chain it ends, bottom first and itself last. */
export interface Layer {
  readonly blob: Descriptor;
  readonly diffId: string;
  readonly chain: readonly string[];
}

/**
 * Brings all layers of an image into snapshots: each is fetched and then unpacked, side by side; the unpacker sees
 * to it that one is committed after those below it. What is there already is neither fetched nor unpacked. When one
 * fails the others are cancelled, and all have ended when this throws; whole layers and blobs stay.
 */
export async function bringLayers(
  deps: LayerDeps,
  layers: readonly Layer[],
  from: Repository,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const missing = layers.filter((layer) => !deps.hasLayer(chainIdOf(layer)));
  for (const layer of layers) {
    const status = missing.includes(layer) ? 'Pulling fs layer' : 'Already exists';
    layerProgress(progress, layer.blob.digest).say(status);
  }
  const group = new AbortController();
  const both = AbortSignal.any([signal, group.signal]);
  const all = missing.map((layer) => bringLayer(deps, layer, from, progress, both));
  try {
    await Promise.all(all);
  } catch (error) {
    group.abort(error);
    await Promise.allSettled(all);
    throw error;
  }
}

async function bringLayer(deps: LayerDeps, layer: Layer, from: Repository, progress: Progress, signal: AbortSignal) {
  const { blob, diffId, chain } = layer;
  const lines = layerProgress(progress, blob.digest);
  const isNew = !deps.content.has(blob.digest);
  if (isNew) await deps.downloads.fetch(blob, from, progress, signal);
  else lines.say('Download complete');
  const tell = (done: number, total: number): void => lines.bar('Extracting', done, total);
  tell(0, blob.size);
  await deps.unpacker.unpack(blob, diffId, chain.slice(0, -1), signal, tell, { verified: isNew });
  lines.say('Pull complete');
}

function chainIdOf({ chain }: Layer): string {
  return chain.at(-1) ?? '';
}
