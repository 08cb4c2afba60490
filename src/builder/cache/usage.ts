import * as fs from 'node:fs';
import type { BuildCacheEntry } from '../../api/types/build.ts';
import { treeSize } from '../../images/snapshots/tree-size.ts';
import type { BuildParts } from '../build.ts';
import type { CacheRecord } from './store.ts';

/** What the cache holds, the latest used first. Records that hold nothing are left out. */
export async function cacheUsage(parts: BuildParts): Promise<BuildCacheEntry[]> {
  const records = parts.cache.all();
  const makers = new Map(records.flatMap(({ layer, id }) => (layer === undefined ? [] : [[layer, id] as const])));
  const inImages = layersOfImages(parts);
  const entries: BuildCacheEntry[] = [];
  for (const record of records) {
    if (record.kind === 'image') continue;
    const parent = record.parent === undefined ? undefined : makers.get(record.parent);
    entries.push({
      ID: record.id.slice(0, 25),
      ...(parent === undefined ? {} : { Parents: [parent.slice(0, 25)] }),
      Type: record.kind === 'mount' ? 'exec.cachemount' : 'regular',
      Description: record.description,
      InUse: isInUse(parts, record),
      Shared: record.layer !== undefined && inImages.has(record.layer),
      Size: await sizeOf(parts, record),
      CreatedAt: record.created,
      LastUsedAt: record.used,
      UsageCount: record.uses,
    });
  }
  return entries;
}

/** Chain-ids of the layers that images have. */
export const layersOfImages = ({ images }: Pick<BuildParts, 'images'>): ReadonlySet<string> =>
  new Set(images.list({ all: true, filters: {} }).flatMap(({ Id }) => images.resolve(Id).layers));

/** True while a build works with it. */
export function isInUse({ mounts, leases }: BuildParts, record: CacheRecord): boolean {
  if (record.kind === 'mount') return mounts.inUse(record);
  if (record.layer === undefined) return false;
  return leases.holders('snapshot', record.layer).some((holder) => holder.startsWith('build:'));
}

/** Bytes. A folder of `--mount=type=cache` is measured. */
export async function sizeOf({ mounts }: BuildParts, record: CacheRecord): Promise<number> {
  if (record.kind !== 'mount') return record.size;
  const folder = mounts.folderOf(record);
  return fs.existsSync(folder) ? await treeSize(folder) : 0;
}
