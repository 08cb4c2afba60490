import type { StorageDriver } from '../contract.ts';
import { blobData, blobFolder, blobsRoot, layerLink } from '../storage/paths.ts';
import { storeTime } from './care-paths.ts';
import { type Ages, type Census, isFresh, type LooseLink, neededSince, takeCensus } from './census.ts';
import { condemn, forgetOldCondemned } from './condemned.ts';

export interface CollectOptions {
  /** How long something that nobody needs is kept, in milliseconds. */
  readonly grace: number;
  readonly dryRun?: boolean;
  /** Told of each blob that is removed, or would be. */
  readonly removed?: (digest: string, bytes: number) => void;
  readonly ended?: () => boolean;
}

export interface Collected {
  readonly blobs: number;
  readonly bytes: number;
  readonly links: number;
  /** Manifests that cannot be read, as `repository@digest`; what they might need is kept. */
  readonly damaged: readonly string[];
}

/** What is named at once: pushes wait for no more than the removal of so much. */
const largestBatch = 5_000;

/**
 * Removes the blobs that no manifest needs, while pushes go on: `keeper.ts` says how the two keep out of each other's
 * way. Links go before the bytes that they name. Killed at any moment, what is left is whole; a second collection, also
 * one at the same time, does the rest.
 */
export async function collect(storage: StorageDriver, options: CollectOptions): Promise<Collected> {
  const ages: Ages = { now: await storeTime(storage), grace: options.grace };
  if (!options.dryRun) await forgetOldCondemned(storage, ages.now);
  const census = await takeCensus(storage, ages);
  const total = { blobs: 0, bytes: 0, links: 0 };
  let batch: Batch = { links: [], blobs: [] };
  const decide = async (): Promise<void> => {
    const removed = options.dryRun ? batch : await sweep(storage, batch, census, options);
    batch = { links: [], blobs: [] };
    total.links += removed.links.length;
    for (const { digest, size } of removed.blobs) {
      total.blobs += 1;
      total.bytes += size;
      options.removed?.(digest, size);
    }
  };
  for (const link of census.loose) {
    batch.links.push(link);
    if (batch.links.length >= largestBatch) await decide();
  }
  for await (const blob of unneeded(storage, census, ages)) {
    if (options.ended?.()) break;
    batch.blobs.push(blob);
    if (batch.blobs.length >= largestBatch) await decide();
  }
  await decide();
  return { ...total, damaged: census.damaged };
}

interface Batch {
  readonly links: LooseLink[];
  readonly blobs: { readonly digest: string; readonly size: number }[];
}

/** Blobs that nobody needed at the census and that are older than the grace time. */
async function* unneeded(storage: StorageDriver, { kept }: Census, ages: Ages): AsyncIterable<Batch['blobs'][number]> {
  for await (const algorithm of storage.list(blobsRoot)) {
    for await (const start of storage.list(`${blobsRoot}/${algorithm}`)) {
      for await (const hex of storage.list(`${blobsRoot}/${algorithm}/${start}`)) {
        const digest = `${algorithm}:${hex}`;
        if (kept.has(digest)) continue;
        const stats = await storage.stat(blobData(digest));
        if (stats && !isFresh(stats, ages)) yield { digest, size: stats.size };
      }
    }
  }
}

/** Says what is to go, looks once more who needs it, and removes the rest; what it removed. */
async function sweep(storage: StorageDriver, batch: Batch, census: Census, options: CollectOptions): Promise<Batch> {
  const removed: Batch = { links: [], blobs: [] };
  const keys = new Set([...batch.links, ...batch.blobs].map(({ digest }) => digest));
  if (keys.size === 0) return removed;
  await using condemned = await condemn(storage, [...keys]);
  const ages: Ages = { now: await storeTime(storage), grace: options.grace };
  const needed = await neededSince(storage, keys, census, ages);
  const doomed = ({ digest }: { digest: string }): boolean => !needed.has(digest);
  if (needed.size > 0) await condemned.only([...keys].filter((digest) => !needed.has(digest)));
  const over = (): boolean => !condemned.holds() || options.ended?.() === true;
  for (const link of batch.links.filter(doomed)) {
    if (over()) return removed;
    await storage.remove(layerLink(link.repository, link.digest).slice(0, -'/link'.length));
    removed.links.push(link);
  }
  for (const blob of batch.blobs.filter(doomed)) {
    if (over()) return removed;
    const stats = await storage.stat(blobData(blob.digest));
    if (stats === undefined || isFresh(stats, ages)) continue;
    await storage.remove(blobFolder(blob.digest));
    removed.blobs.push(blob);
  }
  return removed;
}
