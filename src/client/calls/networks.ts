import type { EndpointConfig } from '../../api/types/container.ts';
import type {
  NetworkCreateRequest,
  NetworkCreateResponse,
  NetworkInspect,
  NetworkSummary,
} from '../../api/types/network.ts';
import type { NetworksPruned } from '../../api/types/system.ts';
import type { Engine } from '../engine.ts';
import { type Filters, filtersQuery } from '../filters-query.ts';

const at = (name: string, verb = ''): string => `/networks/${encodeURIComponent(name)}${verb}`;
const predefined = ['bridge', 'host', 'none'];

export const create = (engine: Engine, request: NetworkCreateRequest): Promise<NetworkCreateResponse> =>
  engine.json('POST', '/networks/create', { json: request });

export const list = (engine: Engine, filters: Filters): Promise<NetworkSummary[]> =>
  engine.json('GET', '/networks', { query: { filters: filtersQuery(filters) } });

export const inspect = (engine: Engine, name: string, options = { verbose: false }): Promise<NetworkInspect> =>
  engine.json('GET', at(name), { query: options.verbose ? { verbose: true } : {} });

export async function remove(engine: Engine, name: string): Promise<void> {
  await engine.send('DELETE', at(name));
}

export async function connect(
  engine: Engine,
  network: string,
  container: string,
  endpoint: EndpointConfig,
): Promise<void> {
  await engine.send('POST', at(network, '/connect'), { json: { Container: container, EndpointConfig: endpoint } });
}

export async function disconnect(engine: Engine, network: string, container: string, force: boolean): Promise<void> {
  await engine.send('POST', at(network, '/disconnect'), { json: { Container: container, Force: force } });
}

/** Whether there are networks that somebody made. */
export async function hasCustom(engine: Engine): Promise<boolean> {
  const networks = await list(engine, {});
  return networks.some(({ Name }) => !predefined.includes(Name));
}

/** Removes networks that no container uses. With `dryRun` it only asks what would be. */
export const prune = (engine: Engine, options: { filters: Filters; dryRun: boolean }): Promise<NetworksPruned> =>
  engine.json(options.dryRun ? 'GET' : 'POST', '/networks/prune', {
    query: { filters: filtersQuery(options.filters) },
  });
