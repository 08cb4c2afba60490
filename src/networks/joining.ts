import type { EndpointConfig } from '../api/types/container.ts';
import { invalid, notFound } from '../base/errors.ts';
import type { DefaultRoute, DefaultRoutes } from '../host/sandbox-links.ts';
import type { SandboxRequest } from './contract.ts';
import type { Network } from './driver-contract.ts';
import { interfaceSettings } from './endpoint-options.ts';
import { findNetwork } from './find.ts';
import { poolOf, wayOut } from './gateways.ts';
import type { EndpointRecord, NetworkStore } from './store.ts';

/** A network that a container is to join, and what it asks of it. */
export interface Wanted {
  readonly network: Network;
  readonly config: EndpointConfig;
}

/** An endpoint and the network it is on. */
export interface Joined {
  readonly endpoint: EndpointRecord;
  readonly network: Network;
}

/**
 * The networks a container is to join: the default bridge first, then its mode's, then by name.
 * @throws not-found, invalid for several of which one is not a network of a user's.
 */
export function wantedNetworks(request: Pick<SandboxRequest, 'mode' | 'endpoints'>, store: NetworkStore): Wanted[] {
  if (!request.endpoints) return [{ network: mustFind(store, request.mode || 'bridge'), config: {} }];
  const asked = Object.entries(request.endpoints);
  const main = findNetwork(store, request.mode || 'bridge')?.name;
  const wanted = asked.map(([name, config]) => ({ network: mustFind(store, name), config }));
  if (wanted.length > 1 && wanted.some(({ network }) => ['host', 'none'].includes(network.name)))
    throw invalid('container cannot be connected to multiple networks with one of the networks in host or none mode');
  const rank = ({ network: { name } }: Wanted): number => (name === 'bridge' ? 0 : name === main ? 1 : 2);
  return wanted.sort((a, b) => rank(a) - rank(b) || (a.network.name < b.network.name ? -1 : 1));
}

function mustFind(store: NetworkStore, name: string): Network {
  // without a default bridge its containers have no network, as in Docker
  const network =
    findNetwork(store, name) ?? (['bridge', 'default'].includes(name) ? store.networkByName('none') : undefined);
  if (!network) throw notFound(`network ${name} not found`);
  return network;
}

/** A name for one more interface: the one asked for, or the next of its network's kind. @throws invalid when it is taken. */
export function interfaceName({ network, config }: Wanted, taken: readonly string[]): string {
  const prefix = network.options['prefix'] ?? 'eth';
  const { name } = interfaceSettings(config.DriverOpts ?? {}, '');
  if (name !== undefined) {
    if (taken.includes(name)) throw invalid(`interface name ${JSON.stringify(name)} is used twice in the container`);
    return name;
  }
  for (let number = 0; ; number += 1) if (!taken.includes(`${prefix}${number}`)) return `${prefix}${number}`;
}

export function joinedOf(store: NetworkStore, endpoints: readonly EndpointRecord[]): Joined[] {
  return endpoints.flatMap((endpoint) => {
    const network = store.network(endpoint.networkId);
    return network ? [{ endpoint, network }] : [];
  });
}

/**
 * In the order in which networks offer the way out: those with one, the highest priority first, then by name.
 * Internal networks offer none.
 */
export function byGateway(joined: readonly Joined[]): Joined[] {
  const priority = ({ endpoint }: Joined): number => endpoint.config.GwPriority ?? 0;
  return joined
    .filter((one) => wayOutBy(one, 4) || wayOutBy(one, 6))
    .sort((a, b) => priority(b) - priority(a) || (a.network.name < b.network.name ? -1 : 1));
}

/** The endpoint by which a container's packets leave, and by which its ports are reached. */
export const gatewayEndpoint = (joined: readonly Joined[]): Joined | undefined =>
  byGateway(joined).find((one) => wayOutBy(one, 4)) ?? byGateway(joined)[0];

/** The way out that a network offers to a container, which internal ones and those without a gateway do not. */
function wayOutBy({ network, endpoint }: Joined, family: 4 | 6): DefaultRoute | undefined {
  const { addressing, internal, options } = network;
  const [ip, pools] = family === 4 ? [endpoint.ip, addressing?.ipv4] : [endpoint.ipv6, addressing?.ipv6];
  if (!ip || internal || options['route'] === 'none') return undefined;
  const link = endpoint.interfaceName;
  if (options['route'] === 'link') return { link, gateway: undefined };
  const pool = poolOf(pools, ip);
  const gateway = pool && wayOut(pool);
  return gateway ? { link, gateway } : undefined;
}

/** The default routes of a container that is in these networks. */
export function defaultRoutes(joined: readonly Joined[]): DefaultRoutes {
  const ordered = byGateway(joined);
  const first = (family: 4 | 6): DefaultRoute | undefined =>
    ordered.map((one) => wayOutBy(one, family)).find((route) => route !== undefined);
  return { ipv4: first(4), ipv6: first(6) };
}
