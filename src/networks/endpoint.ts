import type { EndpointConfig } from '../api/types/container.ts';
import { internal, invalid, notFound } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Network } from './driver-contract.ts';
import { nextAddress } from './ipam.ts';
import { formatIp, macOf, parseCidr, parseIp } from './ipv4.ts';
import type { EndpointRecord, NetworkStore } from './store.ts';

/**
 * What a container asked for on `network`, checked. `default` is another name of `bridge`.
 * @throws not-found for a network it is not joined to, invalid for what only networks of users' own can do.
 */
export function endpointConfigFor(
  network: Network,
  endpoints: Readonly<Record<string, EndpointConfig>>,
): EndpointConfig {
  const canonical = (name: string): string => (name === 'default' ? 'bridge' : name);
  for (const name of Object.keys(endpoints)) {
    if (canonical(name) !== network.name) throw notFound(`network ${name} not found`);
  }
  const config = Object.values(endpoints)[0] ?? {};
  const ipam = config.IPAMConfig;
  if (ipam?.IPv4Address || ipam?.IPv6Address || ipam?.LinkLocalIPs?.length) {
    throw invalid('invalid endpoint settings:\nuser specified IP address is supported on user defined networks only');
  }
  if (config.Aliases?.length) {
    throw invalid(
      'invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks',
    );
  }
  if (config.MacAddress && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(config.MacAddress)) {
    throw invalid(`invalid MAC address: ${config.MacAddress}`);
  }
  return config;
}

/** A new endpoint with the next free address of its network; recorded by the caller, in the same transaction. */
export function planEndpoint(
  store: NetworkStore,
  network: Network,
  containerId: string,
  config: EndpointConfig,
): EndpointRecord {
  const base = { id: newId(), containerId, networkId: network.id, interfaceName: 'eth0', config };
  if (!network.addressing) return { ...base, ip: '', mac: '' };
  const { subnet } = parseCidr(network.addressing.subnet);
  const gateway = parseIp(network.addressing.gateway);
  if (gateway === undefined) throw internal(`network ${network.name} has no gateway`);
  const last = parseIp(store.lastAddress(network.id) ?? '') ?? gateway;
  const ip = nextAddress(
    subnet,
    last,
    (address) => address === gateway || store.isTaken(network.id, formatIp(address)),
  );
  return { ...base, ip: formatIp(ip), mac: config.MacAddress?.toLowerCase() || macOf(ip) };
}
