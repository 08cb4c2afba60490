import type { RouteName } from '../../api/routes.ts';
import { containerAdapters } from './adapters/containers.ts';
import { networkAdapters } from './adapters/networks.ts';
import { eventAdapters, imageAdapters, systemAdapters } from './adapters/others.ts';
import { type Adapter, isObject, type JsonObject } from './adapters/shape.ts';
import type { Query } from './query.ts';
import { type ApiVersion, isBelow } from './versions.ts';

const adapters: ReadonlyMap<RouteName, readonly Adapter[]> = Map.groupBy(
  [...containerAdapters, ...imageAdapters, ...eventAdapters, ...systemAdapters, ...networkAdapters],
  (adapter) => adapter.route,
);

/** A request's body in the shape of the newest version. Bodies that are no objects are left for the schema to refuse. */
export function adaptRequest(route: RouteName, version: ApiVersion, body: unknown): unknown {
  if (!isObject(body)) return body;
  let result = body;
  for (const adapter of adapters.get(route) ?? []) {
    if (adapter.request && isBelow(version, adapter.below)) result = adapter.request(result);
  }
  return result;
}

/** An answer, each element of a list, or a line of a stream, in the shape of the version asked for. */
export function adaptReply(to: { route: RouteName; version: ApiVersion; query: Query }, body: unknown): unknown {
  const wanted = (adapters.get(to.route) ?? []).filter(({ response, below }) => response && isBelow(to.version, below));
  if (wanted.length === 0) return body;
  const adapt = (item: unknown): unknown =>
    isObject(item) ? wanted.reduce<JsonObject>((result, { response }) => response!(result, to.query), item) : item;
  return Array.isArray(body) ? body.map(adapt) : adapt(body);
}
