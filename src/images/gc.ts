import { crashPoint } from '../base/crash-points.ts';
import { isKind } from '../base/errors.ts';
import type { Leases } from '../base/leases.ts';
import type { ContentStore } from './content/contract.ts';
import type { SnapshotDriver } from './snapshots/contract.ts';
import type { ImageState } from './store.ts';

export interface CollectorDeps {
  readonly content: ContentStore;
  readonly driver: SnapshotDriver;
  readonly state: ImageState;
  readonly leases: Leases;
}

export interface Collected {
  /** Chain-ids of the layers that were removed. */
  readonly layers: string[];
  /** Digests of the blobs. */
  readonly blobs: string[];
}

/**
 * Removes layers and blobs that no image, no lease and no container needs. What is looked at is made invisible
 * in the same synchronous step, so that work which begins meanwhile either keeps it by its lease or makes it anew.
 * Idempotent; interrupted, it leaves less to collect.
 */
export async function collectGarbage({ content, driver, state, leases }: CollectorDeps): Promise<Collected> {
  const layers: string[] = [];
  for (const chainId of await driver.list()) {
    if (state.usesLayer(chainId) || leases.isLeased('snapshot', chainId)) continue;
    try {
      await driver.remove(chainId);
    } catch (error) {
      if (isKind(error, 'conflict')) continue; // a container outlived its image
      throw error;
    }
    layers.push(chainId);
  }
  for (const { chainId } of state.layers()) if (!driver.has(chainId)) state.forgetLayer(chainId);

  const needed = state.neededBlobs();
  const blobs = content.list().filter((digest) => !needed.has(digest) && !leases.isLeased('blob', digest));
  await Promise.all(blobs.map((digest) => content.remove(digest)));
  crashPoint('image.gc.swept');
  return { layers, blobs };
}
