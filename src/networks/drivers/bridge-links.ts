import { isIPv4, isIPv6 } from 'node:net';
import { conflict, internal } from '../../base/errors.ts';
import { formatAddress, lastOf, macOf, parseRange } from '../../formats/ip-address.ts';
import type { GatewayMode, GatewayModes } from '../../host/firewall-open.ts';
import type { LinkAddress } from '../../host/link-facts.ts';
import type { Links } from '../../host/links.ts';
import { addressesOf } from '../../host/network-facts.ts';
import type { Endpoint, Network, Pool, PublishedPort, Recorded } from '../driver-contract.ts';
import type { EngineNames } from '../engine-names.ts';
import { poolOf } from '../gateways.ts';

export const bridgeOf = (network: Network): string => network.options['bridge'] ?? '';
export const mtuOf = (network: Network): number => Number(network.options['mtu']);
export const talking = (network: Network): boolean => network.options['icc'] !== 'false';

/** How containers of a network are reached by their own addresses; those of an older tug have `nat`. */
export const modesOf = ({ options }: Pick<Network, 'options'>): GatewayModes => ({
  ip: (options['gatewayMode4'] ?? 'nat') as GatewayMode,
  ip6: (options['gatewayMode6'] ?? 'nat') as GatewayMode,
});

/** The one subnet a bridge network has of each family. */
export const ipv4PoolOf = ({ addressing }: Network): Pool | undefined => addressing?.ipv4[0];
export const ipv6PoolOf = ({ addressing }: Network): Pool | undefined => addressing?.ipv6[0];

function addressIn(pool: Pool, ip: string): LinkAddress {
  const subnet = parseRange(pool.subnet);
  const { prefix, family } = subnet;
  if (family === 6) return { ip, prefix };
  const broadcast = prefix < 31 ? formatAddress({ family: 4, value: lastOf(subnet) }) : undefined;
  return { ip, prefix, ...(broadcast === undefined ? {} : { broadcast }) };
}

/** The addresses of an endpoint's interface. */
export function endpointAddresses(network: Network, endpoint: Endpoint): LinkAddress[] {
  const { addressing } = network;
  const [ipv4, ipv6] = [poolOf(addressing?.ipv4, endpoint.ip), poolOf(addressing?.ipv6, endpoint.ipv6)];
  return [
    ...(ipv4 && endpoint.ip ? [addressIn(ipv4, endpoint.ip)] : []),
    ...(ipv6 && endpoint.ipv6 ? [addressIn(ipv6, endpoint.ipv6)] : []),
    ...endpoint.linkLocal.map((ip) => ({ ip, prefix: ip.includes(':') ? 64 : 16 })),
  ];
}

function gatewayAddresses(network: Network): LinkAddress[] {
  const pools = [ipv4PoolOf(network), ipv6PoolOf(network)].filter((pool) => pool !== undefined);
  if (pools.length === 0) throw internal(`the bridge network ${network.name} has no addresses`);
  const has = ({ subnet }: Pool): boolean => modesOf(network)[subnet.includes(':') ? 'ip6' : 'ip'] !== 'isolated';
  return pools.filter(has).map((pool) => addressIn(pool, pool.gateway));
}

/**
 * Makes a network's bridge, or adopts one that was made for it. Idempotent.
 * @throws conflict for a link of its name that is no bridge, or another engine's, or has other addresses.
 */
export function ensureBridge(links: Links, network: Network, mark: string): void {
  const name = bridgeOf(network);
  const addresses = gatewayAddresses(network);
  const existing = links.find(name);
  if (existing) {
    if (existing.kind !== 'bridge')
      throw conflict(`the link ${name} is no bridge: give the engine another bridge name`);
    if (existing.alias !== mark && existing.alias.startsWith('tug-')) {
      throw conflict(`the bridge ${name} belongs to another engine: give this one another bridge name`);
    }
    const has = addressesOf(existing.index);
    const missing = addresses.map(({ ip, prefix }) => `${ip}/${prefix}`).filter((wanted) => !has.includes(wanted));
    if (missing.length === 0) return;
    if (existing.alias !== mark) {
      const otherwise = network.name === 'bridge' ? 'set "bip"' : 'give the network another bridge name';
      throw conflict(`the bridge ${name} does not have the address ${missing.join(', ')}: add it, or ${otherwise}`);
    }
    links.remove(name);
  }
  if (network.options['given'] === 'true')
    throw conflict(`bridge device with non default name ${name} must be created manually`);
  const first = addresses[0]?.ip ?? '';
  const mac = macOf(isIPv4(first) ? first : macSeed(network.id));
  links.addBridge({
    name,
    mac,
    mtu: mtuOf(network),
    alias: mark,
    addresses,
    ipv6: addresses.some(({ ip }) => isIPv6(ip)),
  });
}

/** Four numbers for a MAC address where there is no IPv4 address to take it from. */
const macSeed = (id: string): string => [0, 2, 4, 6].map((at) => Number.parseInt(id.slice(at, at + 2), 16)).join('.');

/**
 * A container that asks for its own published port gets its packets back by the port they came from, which a
 * bridge does not do by itself. Endpoints whose link is not there yet, or no more, are passed over.
 */
export function letReachThemselves(links: Links, ports: readonly PublishedPort[], names: EngineNames): void {
  for (const endpointId of new Set(ports.map((port) => port.endpointId))) {
    if (links.find(names.link(endpointId))) links.setHairpin(names.link(endpointId));
  }
}

/**
 * Looks at every link that carries the engine's name: joins those of endpoints to their bridges again where a
 * bridge was made anew, and removes those of no endpoint and bridges of no network.
 */
export function sweepLinks(
  links: Links,
  { networks, endpoints }: Pick<Recorded, 'networks' | 'endpoints'>,
  names: EngineNames,
): void {
  const bridges = new Set(networks.map(bridgeOf));
  const byId = new Map(networks.map((network) => [network.id, network]));
  const owners = new Map(endpoints.map((endpoint) => [names.link(endpoint.id), endpoint]));
  const list = links.list();
  const indexes = new Map(list.map(({ name, index }) => [name, index]));
  for (const link of list) {
    if (link.kind === 'bridge' && link.alias === names.mark && !bridges.has(link.name)) links.remove(link.name);
    if (!link.name.startsWith(names.linkPrefix)) continue;
    const network = byId.get(owners.get(link.name)?.networkId ?? '');
    if (!network) links.remove(link.name);
    else if (link.master === 0 && indexes.has(bridgeOf(network))) {
      links.joinBridge({ name: link.name, bridge: bridgeOf(network), isolated: !talking(network) });
    }
  }
}
