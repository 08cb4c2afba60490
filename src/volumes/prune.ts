import { isKind } from '../base/errors.ts';
import { anonymousLabel, driverNamed, type VolumeContext } from './context.ts';
import type { PrunedVolumes, PruneOptions } from './contract.ts';
import { compilePruneFilters } from './filters.ts';
import { removeVolume } from './remove.ts';
import { sizesOf } from './trees.ts';

/**
 * Removes the volumes that no container uses, one after another; one that comes into use or is removed meanwhile is left
 * out. With `dryRun` nothing is removed, and the answer says what would be.
 */
export async function pruneVolumes(
  context: VolumeContext,
  { filters, all, dryRun, without = [] }: PruneOptions,
): Promise<PrunedVolumes> {
  const chosen = compilePruneFilters(filters);
  const doomed = context.store
    .all()
    .filter((record) => (all || Object.hasOwn(record.labels ?? {}, anonymousLabel)) && chosen(record))
    .filter(
      ({ name }) =>
        context.store.usersOf(name).every((id) => dryRun && without.includes(id)) && !context.mounts.isUsed(name),
    );
  const kept = doomed.filter((record) => driverNamed(context, record.driver).keepsData(record));
  const sizes = await sizesOf(kept.map(({ name, driver }) => driverNamed(context, driver).path(name)));
  const sizeOf = new Map(kept.map(({ name }, index) => [name, sizes[index] ?? 0]));
  const removed: string[] = [];
  let reclaimed = 0;
  for (const { name } of doomed) {
    if (!dryRun && !(await remove(context, name))) continue;
    removed.push(name);
    reclaimed += sizeOf.get(name) ?? 0;
  }
  if (!dryRun) context.events.publish('volume', 'prune', '', { reclaimed: String(reclaimed) });
  return { removed, reclaimed };
}

async function remove(context: VolumeContext, name: string): Promise<boolean> {
  try {
    await removeVolume(context, name, { force: false });
    return true;
  } catch (error) {
    if (isKind(error, 'conflict') || isKind(error, 'not-found')) return false;
    throw error;
  }
}
