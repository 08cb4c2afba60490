import type { EndpointResource, IpamConfig, NetworkInspect, NetworkSummary } from '../api/types/network.ts';
import { contains, countOf, parseAddress, parseRange } from '../formats/ip-address.ts';
import type { Network, Pool } from './driver-contract.ts';
import { poolOf } from './gateways.ts';
import { reservedAddresses } from './ipam.ts';
import type { EndpointRecord, NetworkStore } from './store.ts';

/** A network as `GET /networks` shows it. */
export function showNetwork(network: Network): NetworkSummary {
  const pools = [...(network.addressing?.ipv4 ?? []), ...(network.addressing?.ipv6 ?? [])];
  const withoutAddresses = !network.addressing && !network.configOnly;
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: 'local',
    Driver: network.driver,
    EnableIPv4: network.enableIpv4,
    EnableIPv6: network.enableIpv6,
    IPAM: {
      Driver: network.ipam.driver,
      Options: network.ipam.options && { ...network.ipam.options },
      Config: withoutAddresses ? null : pools.map(showPool),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom },
    ConfigOnly: network.configOnly,
    Options: { ...network.driverOptions },
    Labels: { ...network.labels },
  };
}

function showPool({ subnet, range, gateway, auxiliary }: Pool): IpamConfig {
  return {
    Subnet: subnet,
    ...(range ? { IPRange: range } : {}),
    ...(gateway ? { Gateway: gateway } : {}),
    ...(Object.keys(auxiliary).length > 0 ? { AuxiliaryAddresses: { ...auxiliary } } : {}),
  };
}

/** The same with the containers that are on it, and how full its subnets are. */
export function inspectNetwork(network: Network, store: NetworkStore): NetworkInspect {
  const endpoints = store.endpointsIn(network.id);
  const containers = endpoints.map(
    (endpoint) => [endpoint.containerId, showEndpoint(network, endpoint, store)] as const,
  );
  const { ipv4 = [], ipv6 = [] } = network.addressing ?? {};
  const statuses = network.configOnly
    ? []
    : [...ipv4, ...ipv6].map((pool) => [pool.subnet, fill(pool, endpoints)] as const);
  return {
    ...showNetwork(network),
    Containers: Object.fromEntries(containers),
    Status: { IPAM: { Subnets: Object.fromEntries(statuses) } },
  };
}

function showEndpoint({ addressing }: Network, endpoint: EndpointRecord, store: NetworkStore): EndpointResource {
  const cidr = (pools: readonly Pool[] | undefined, ip: string): string => {
    const pool = poolOf(pools, ip);
    return pool ? `${ip}/${parseRange(pool.subnet).prefix}` : ip;
  };
  return {
    Name: store.sandbox(endpoint.containerId)?.name ?? '',
    EndpointID: endpoint.id,
    MacAddress: endpoint.mac,
    IPv4Address: cidr(addressing?.ipv4, endpoint.ip),
    IPv6Address: cidr(addressing?.ipv6, endpoint.ipv6),
  };
}

/** Numbers beyond what JSON's readers count exactly are told as the greatest they do. */
function fill(pool: Pool, endpoints: readonly EndpointRecord[]) {
  const { family } = parseRange(pool.subnet);
  const given = endpoints.flatMap(({ ip, ipv6 }) => parseAddress(family === 4 ? ip : ipv6)?.value ?? []);
  const used = [...new Set([...reservedAddresses(pool), ...given])];
  const range = parseRange(pool.range || pool.subnet);
  const free = countOf(range) - BigInt(used.filter((value) => contains(range, { family, value })).length);
  const most = BigInt(Number.MAX_SAFE_INTEGER);
  return { IPsInUse: used.length, DynamicIPsAvailable: Number(free > most ? most : free) };
}
