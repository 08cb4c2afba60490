import type { NetworksPruned } from '../../api/types/system.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';

const predefined = ['bridge', 'host', 'none'];

/** Whether there are networks that somebody made. */
export async function hasCustom(engine: Engine): Promise<boolean> {
  const networks = await engine.json<{ Name: string }[]>('GET', '/networks');
  return networks.some(({ Name }) => !predefined.includes(Name));
}

/** Removes networks that no container uses. With `dryRun` it only asks what would be. */
export const prune = (engine: Engine, options: { filters: Filters; dryRun: boolean }): Promise<NetworksPruned> =>
  engine.json(options.dryRun ? 'GET' : 'POST', '/networks/prune', {
    query: { filters: filtersQuery(options.filters) },
  });
