import type { EndpointConfig } from '../api/types/container.ts';
import { forbidden, invalid } from '../base/errors.ts';
import { newId, shortId } from '../base/ids.ts';
import { contains, formatAddress, macOf, parseAddress, parseRange, type Range } from '../formats/ip-address.ts';
import type { Network, Pool } from './driver-contract.ts';
import { interfaceSettings } from './endpoint-options.ts';
import { nextAddress, reservedAddresses } from './ipam.ts';
import type { EndpointRecord, NetworkStore, SandboxRecord } from './store.ts';

/** Networks every engine has; users neither make nor remove them, and their containers have no names there. */
export const isPredefined = (name: string): boolean => ['bridge', 'host', 'none', 'default'].includes(name);

/**
 * Checks what is asked of an endpoint on `network`, whether or not it can be given now.
 * @throws invalid, in Docker's words.
 */
export function checkEndpoint(network: Network, config: EndpointConfig): void {
  const faults = [...addressFaults(network, config), ...aliasFaults(network, config)];
  if (config.MacAddress && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(config.MacAddress))
    throw invalid(`invalid MAC address: ${config.MacAddress}`);
  if (config.MacAddress && network.options['mac'] === 'parent')
    throw invalid(`${network.driver} interfaces do not support custom mac address assignment`);
  if (faults.length > 0) throw invalid(`invalid endpoint settings:\n${faults.join('\n')}`);
  interfaceSettings(config.DriverOpts ?? {}, 'eth0');
}

function addressFaults(network: Network, { IPAMConfig }: EndpointConfig): string[] {
  const { IPv4Address = '', IPv6Address = '', LinkLocalIPs = [] } = IPAMConfig ?? {};
  const asked = [IPv4Address, IPv6Address, ...LinkLocalIPs].filter(Boolean);
  if (asked.length === 0) return [];
  if (isPredefined(network.name)) return ['user specified IP address is supported on user defined networks only'];
  const notLocal = LinkLocalIPs.filter((text) => !linkLocal.some((range) => isIn(range, text)));
  return [
    ...notLocal.map((text) => `invalid link-local IP address: ${text}`),
    ...familyFaults(network, IPv4Address, 4),
    ...familyFaults(network, IPv6Address, 6),
  ];
}

/** RFC 3927 and RFC 4291. */
const linkLocal = ['169.254.0.0/16', 'fe80::/10'].map(parseRange);

function isIn(range: Range, text: string): boolean {
  const address = parseAddress(text);
  return address !== undefined && contains(range, address);
}

function familyFaults({ addressing }: Network, text: string, family: 4 | 6): string[] {
  if (text === '') return [];
  const address = parseAddress(text);
  if (address?.family !== family) return [`invalid IPv${family} address: ${text}`];
  const pools = (family === 4 ? addressing?.ipv4 : addressing?.ipv6) ?? [];
  if (!pools.some(({ chosen }) => chosen))
    return ['user specified IP address is supported only when connecting to networks with user configured subnets'];
  const inside = pools.some(({ subnet }) => contains(parseRange(subnet), address));
  return inside ? [] : [`no configured subnet contains IP address ${text}`];
}

function aliasFaults({ name }: Network, { Aliases }: EndpointConfig): string[] {
  if (!Aliases?.length || !isPredefined(name)) return [];
  return ['network-scoped alias is supported only for containers in user defined networks'];
}

/** What a container is called on a network, as inspect's DNSNames: nothing on the predefined ones. */
export function endpointNames(
  network: Pick<Network, 'name'>,
  { containerId, name, hostname }: Pick<SandboxRecord, 'containerId' | 'name' | 'hostname'>,
  { Aliases }: EndpointConfig,
): string[] {
  if (isPredefined(network.name)) return [];
  return [...new Set([name, ...(Aliases ?? []), shortId(containerId), hostname])].filter(Boolean);
}

/**
 * A new endpoint with the addresses that are asked for, or the next free ones of its network; recorded by the caller, in the same turn.
 * @throws forbidden for an address that another has, exhausted; as `checkEndpoint`.
 */
export function planEndpoint(
  store: NetworkStore,
  network: Network,
  sandbox: Pick<SandboxRecord, 'containerId' | 'name' | 'hostname'>,
  wish: { readonly config: EndpointConfig; readonly interfaceName: string },
): EndpointRecord {
  const { config, interfaceName } = wish;
  checkEndpoint(network, config);
  const { containerId } = sandbox;
  const names = endpointNames(network, sandbox, config);
  const linkLocal = config.IPAMConfig?.LinkLocalIPs ?? [];
  const base = { id: newId(), containerId, networkId: network.id, interfaceName, config, names, linkLocal };
  const { addressing } = network;
  if (!addressing) return { ...base, ip: '', ipv6: '', mac: '' };
  const last = store.lastAddresses(network.id);
  const ip = giveAddress(store, network, addressing.ipv4, last.ip, config.IPAMConfig?.IPv4Address);
  const ipv6 = giveAddress(store, network, addressing.ipv6, last.ipv6, config.IPAMConfig?.IPv6Address);
  if (network.options['mac'] === 'parent') return { ...base, ip, ipv6, mac: '' };
  return { ...base, ip, ipv6, mac: config.MacAddress?.toLowerCase() || macOf(ip || seedOf(base.id)) };
}

/** Four numbers for a MAC address where there is no IPv4 address to take it from. */
const seedOf = (id: string): string => [0, 2, 4, 6].map((at) => Number.parseInt(id.slice(at, at + 2), 16)).join('.');

/** Of several subnets the first that has a free one. Empty without any subnet. */
function giveAddress(
  store: NetworkStore,
  network: Network,
  pools: readonly Pool[],
  last: string | undefined,
  asked: string | undefined,
): string {
  if (asked) return giveAsked(store, network, pools, asked);
  let full: unknown;
  for (const pool of pools) {
    const range = parseRange(pool.range || pool.subnet);
    const reserved = reservedAddresses(pool);
    const isTaken = (value: bigint): boolean =>
      reserved.has(value) || store.isTaken(network.id, formatAddress({ family: range.family, value }));
    try {
      return nextAddress(range, last, isTaken);
    } catch (error) {
      full = error;
    }
  }
  if (full) throw full;
  return '';
}

function giveAsked(store: NetworkStore, network: Network, pools: readonly Pool[], asked: string): string {
  const address = parseAddress(asked);
  if (!address) throw invalid(`invalid IP address: ${asked}`);
  const text = formatAddress(address);
  const reserved = pools.some((pool) => {
    const auxiliary = Object.values(pool.auxiliary).map((one) => parseAddress(one)?.value);
    return reservedAddresses(pool).has(address.value) && !auxiliary.includes(address.value);
  });
  if (reserved || store.isTaken(network.id, text))
    throw forbidden('Address already in use', { code: 'address-in-use' });
  return text;
}
