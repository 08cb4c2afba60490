import type { Volume, VolumeCreateRequest, VolumeList, VolumesPruned } from '../../api/types/volume.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';

const at = (name: string, verb = ''): string => `/volumes/${encodeURIComponent(name)}${verb}`;

export const create = (engine: Engine, request: VolumeCreateRequest): Promise<Volume> =>
  engine.json('POST', '/volumes/create', { json: request });

export const list = (engine: Engine, filters: Filters): Promise<VolumeList> =>
  engine.json('GET', '/volumes', { query: { filters: filtersQuery(filters) } });

export const inspect = (engine: Engine, name: string): Promise<Volume> => engine.json('GET', at(name));

export async function remove(engine: Engine, name: string, force: boolean): Promise<void> {
  await engine.send('DELETE', at(name), { query: { force } });
}

/** Removes volumes that no container uses. With `dryRun` it only asks what would be, were the containers `without` gone. */
export const prune = (
  engine: Engine,
  options: { filters: Filters; dryRun: boolean; without?: readonly string[] },
): Promise<VolumesPruned> =>
  engine.json(options.dryRun ? 'GET' : 'POST', '/volumes/prune', {
    query: {
      filters: filtersQuery(options.filters),
      ...(options.dryRun && options.without?.length ? { without: options.without } : {}),
    },
  });

// What follows is tug's own: other engines answer 404.

export async function rename(engine: Engine, name: string, next: string): Promise<void> {
  await engine.send('POST', at(name, '/rename'), { query: { name: next } });
}

export const clone = (
  engine: Engine,
  name: string,
  request: { Name: string; Labels?: Record<string, string>; Snapshot?: boolean },
): Promise<Volume> => engine.json('POST', at(name, '/clone'), { json: request });

export async function restore(engine: Engine, name: string, from: string): Promise<void> {
  await engine.send('POST', at(name, '/restore'), { json: { From: from } });
}

/** The content as a tar, as it comes. */
export async function exportFiles(engine: Engine, name: string): Promise<AsyncIterable<Buffer>> {
  return (await engine.call('GET', at(name, '/export'))).body();
}

export const importFiles = (engine: Engine, name: string, archive: AsyncIterable<Uint8Array>): Promise<Volume> =>
  engine.json('POST', at(name, '/import'), { stream: archive });
