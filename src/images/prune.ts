import type { ImageDeleted } from '../api/types/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import type { EventBus } from '../events/contract.ts';
import type { Image, Pruned, PruneOptions } from './contract.ts';
import { collectGarbage } from './gc.ts';
import { imagePredicate, parseBoolean } from './list.ts';
import { familiar, type RemoveDeps, usersOf } from './remove.ts';

/**
 * Removes images that no container uses: those without a tag, or with the filter `dangling=false` all. What a running
 * pull, load or commit needs of them stays. With `dryRun` nothing is removed, and the answer says what would be.
 * @throws invalid for a filter that does not exist.
 */
export async function pruneImages(deps: RemoveDeps & { bus: EventBus }, options: PruneOptions): Promise<Pruned> {
  const { dangling = [], ...filters } = options.filters;
  const onlyDangling = dangling.every((value) => parseBoolean('dangling', value));
  const matches = imagePredicate(deps.state, filters, ['until', 'label', 'label!']);
  const doomed = (): Image[] =>
    deps.state
      .ids()
      .map((id) => deps.state.get(id))
      .filter((image) => image !== undefined)
      .filter((image) => (!onlyDangling || image.tags.length === 0) && matches(image))
      .filter((image) => usersOf(deps, image.id).every(({ id }) => options.without?.includes(id)));
  const sizes = new Map(deps.state.layers().map(({ chainId, size }) => [chainId, size]));
  const reclaimed = (layers: readonly string[]): number =>
    layers.reduce((sum, chainId) => sum + (sizes.get(chainId) ?? 0), 0);
  if (options.dryRun) {
    const images = doomed();
    const layers = layersOnlyOf(deps, images);
    return { deleted: answerOf(deps, images, layers), reclaimed: reclaimed(layers) };
  }

  const { images, named } = deps.database.transaction(() => {
    const found = doomed();
    const answer = answerOf(deps, found, []);
    for (const { id } of found) deps.state.removeImage(id);
    return { images: found, named: answer };
  });
  crashPoint('image.prune.recorded');
  for (const image of images) announce(deps, image);
  const { layers } = images.length > 0 ? await collectGarbage(deps) : { layers: [] };
  deps.bus.publish('image', 'prune', '', { reclaimed: String(reclaimed(layers)) });
  return { deleted: [...named, ...layers.map((Deleted) => ({ Deleted }))], reclaimed: reclaimed(layers) };
}

/** The layers that no other image and no work under way has. */
function layersOnlyOf({ state, leases }: RemoveDeps, images: readonly Image[]): string[] {
  const gone = new Set(images.map(({ id }) => id));
  const others = state.ids().filter((id) => !gone.has(id));
  const kept = new Set(others.flatMap((id) => state.get(id)?.layers ?? []));
  const layers = new Set(images.flatMap((image) => image.layers));
  return [...layers].filter((chainId) => !kept.has(chainId) && !leases.isLeased('snapshot', chainId));
}

function answerOf({ state }: RemoveDeps, images: readonly Image[], layers: readonly string[]): ImageDeleted[] {
  const ofImages = images.flatMap(({ id }): ImageDeleted[] => [
    ...state.names(id).map(({ name }) => ({ Untagged: familiar(name) })),
    { Deleted: id },
  ]);
  return [...ofImages, ...layers.map((Deleted) => ({ Deleted }))];
}

function announce({ events }: RemoveDeps, image: Image): void {
  const labels = image.config.config?.Labels ?? {};
  for (const _ of [...image.tags, ...image.digests]) events.publish('untag', image.id, image.id, labels);
  events.publish('delete', image.id, image.id, {});
}
