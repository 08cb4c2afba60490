import { crashPoint } from '../../base/crash-points.ts';
import { invalid } from '../../base/errors.ts';
import { parseDuration } from '../../formats/duration.ts';
import type { BuildParts } from '../build.ts';
import type { PruneCache } from '../contract.ts';
import type { CacheRecord } from './store.ts';
import { isInUse, layersOfImages, sizeOf } from './usage.ts';

interface Candidate {
  readonly record: CacheRecord;
  readonly size: number;
  readonly shared: boolean;
}

/**
 * Removes records of the cache that no build works with, the longest unused first, until what is left fits `keep`.
 * Without `all` those stay whose layer an image has: they take no room of their own. Interrupted, it has removed some.
 * @throws invalid for a filter that does not exist.
 */
export async function pruneCache(
  parts: BuildParts,
  { all, keep, filters }: PruneCache,
): Promise<{ deleted: string[]; reclaimed: number }> {
  const wanted = readFilters(filters);
  const inImages = layersOfImages(parts);
  const candidates: Candidate[] = [];
  let total = 0;
  for (const record of parts.cache.all()) {
    const size = await sizeOf(parts, record);
    const shared = record.layer !== undefined && inImages.has(record.layer);
    if (!shared) total += size;
    if (isInUse(parts, record) || (!all && shared) || !wanted.every((matches) => matches({ record, size, shared })))
      continue;
    candidates.push({ record, size, shared });
  }
  const deleted: string[] = [];
  let reclaimed = 0;
  for (const { record, size, shared } of candidates.reverse()) {
    if (keep > 0 && total <= keep) break;
    if (record.kind === 'mount') await parts.mounts.remove(record);
    else parts.cache.forget(record);
    if (record.kind !== 'image') deleted.push(record.id.slice(0, 25));
    if (!shared) {
      total -= size;
      reclaimed += size;
    }
  }
  if (all && Object.keys(filters).length === 0) reclaimed += parts.contexts.drop();
  crashPoint('build.prune.recorded');
  parts.cache.dropDigests(new Date().toISOString());
  await parts.images.builds.collect();
  parts.events.publish('builder', 'prune', '', { reclaimed: String(reclaimed) });
  return { deleted, reclaimed };
}

type Filter = (candidate: Candidate) => boolean;

function readFilters(filters: PruneCache['filters']): Filter[] {
  return Object.entries(filters).map(([name, values]) => {
    const make = known[name];
    if (!make) throw invalid(`invalid filter '${name}'`, { code: 'bad-filter' });
    const made = values.map(make);
    return (candidate) => made.some((matches) => matches(candidate));
  });
}

const truth = (value: string): boolean => !['0', 'f', 'false', 'F', 'FALSE', 'False'].includes(value);
const types: Readonly<Record<string, CacheRecord['kind']>> = { regular: 'layer', 'exec.cachemount': 'mount' };

const known: Readonly<Record<string, (value: string) => Filter>> = {
  until: (value) => {
    const before = cutOff(value);
    return ({ record }) => Date.parse(record.used) < before;
  },
  'unused-for': (value) => {
    const before = cutOff(value);
    return ({ record }) => Date.parse(record.used) < before;
  },
  label: () => () => false, // nothing of the cache has labels
  'label!': () => () => true,
  id:
    (value) =>
    ({ record }) =>
      record.id.startsWith(value),
  parent:
    (value) =>
    ({ record }) =>
      record.parent?.replace('sha256:', '').startsWith(value) === true,
  type:
    (value) =>
    ({ record }) =>
      record.kind === types[value],
  description:
    (value) =>
    ({ record }) =>
      record.description.includes(value),
  inuse: (value) => () => !truth(value), // what is in use is never removed
  shared:
    (value) =>
    ({ shared }) =>
      shared === truth(value),
  private:
    (value) =>
    ({ shared }) =>
      shared !== truth(value),
};

/** A time, or so long ago. Unix milliseconds. @throws invalid. */
function cutOff(value: string): number {
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const date = /^\d{4}-/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? Date.now() - Number(parseDuration(value)) / 1_000_000 : date;
}
