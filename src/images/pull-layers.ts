import type { Descriptor } from '../api/oci/image.ts';
import type { Repository } from '../registry-client/repository.ts';
import type { ContentStore, LayerUnpacker } from './content/contract.ts';
import type { Progress } from './contract.ts';
import type { Downloads } from './pull-download.ts';
import { layerProgress } from './pull-progress.ts';
import type { SnapshotDriver } from './snapshots/contract.ts';

export interface LayerDeps {
  readonly content: ContentStore;
  readonly downloads: Downloads;
  readonly unpacker: LayerUnpacker;
  readonly snapshots: Pick<SnapshotDriver, 'has'>;
}

/** A layer of an image: its blob, its tar's digest and the chain it ends, bottom first and itself last. */
export interface Layer {
  readonly blob: Descriptor;
  readonly diffId: string;
  readonly chain: readonly string[];
}

/**
 * Brings all layers of an image, bottom first, into snapshots: downloads go on in parallel, each layer is unpacked
 * when it is there and those below it are done. What is there already is neither fetched nor unpacked. When one
 * fails the others are cancelled, and all have ended when this throws; whole layers and blobs stay.
 */
export async function bringLayers(
  deps: LayerDeps,
  layers: readonly Layer[],
  from: Repository,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const present = layers.map((layer) => deps.snapshots.has(chainIdOf(layer)));
  layers.forEach((layer, at) => {
    layerProgress(progress, layer.blob.digest).say(present[at] ? 'Already exists' : 'Pulling fs layer');
  });
  const group = new AbortController();
  const both = AbortSignal.any([signal, group.signal]);
  const missing = layers.filter((_, at) => !present[at]);
  const downloads = missing.map((layer) => bringBlob(deps, layer, from, progress, both));
  const unpacking = unpackInOrder(deps, missing, downloads, progress, both);
  const all = [...downloads, unpacking];
  try {
    await Promise.all(all);
  } catch (error) {
    group.abort(error);
    await Promise.allSettled(all);
    throw error;
  }
}

async function bringBlob(deps: LayerDeps, layer: Layer, from: Repository, progress: Progress, signal: AbortSignal) {
  if (deps.content.has(layer.blob.digest)) layerProgress(progress, layer.blob.digest).say('Download complete');
  else await deps.downloads.fetch(layer.blob, from, progress, signal);
}

async function unpackInOrder(
  deps: LayerDeps,
  layers: readonly Layer[],
  downloads: readonly Promise<void>[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const [at, layer] of layers.entries()) {
    await downloads[at];
    const { blob, diffId, chain } = layer;
    const lines = layerProgress(progress, blob.digest);
    lines.bar('Extracting', 0, blob.size);
    await deps.unpacker.unpack(blob, diffId, chain.slice(0, -1), signal);
    lines.bar('Extracting', blob.size, blob.size);
    lines.say('Pull complete');
  }
}

function chainIdOf({ chain }: Layer): string {
  return chain.at(-1) ?? '';
}
