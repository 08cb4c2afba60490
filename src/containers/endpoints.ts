import type { CreateRequest, EndpointConfig, EndpointSettings, HostConfig } from '../api/types/container.ts';
import { invalid } from '../base/errors.ts';
import type { NetworkService, Sandbox } from '../networks/contract.ts';
import type { ContainerRecord } from './record.ts';
import { sharedWith } from './shared-namespaces.ts';

type Endpoints = Readonly<Record<string, EndpointConfig>>;

/**
 * The networks a new container is on, by name: those that are asked for, and its mode's. A network that is not there is
 * kept under the name it was given, and missed at the start, as in Docker. What clients send back of an endpoint that
 * was connected once is not kept.
 * @throws invalid for what the networks refuse, and for a MAC address that contradicts the container's.
 */
export function resolveEndpoints(
  networks: Pick<NetworkService, 'find' | 'checkEndpoint'>,
  host: HostConfig,
  request: CreateRequest,
): Endpoints {
  const given = Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {});
  const mode = host.NetworkMode || 'bridge';
  if (sharedWith(mode) !== undefined) return {};
  const nameOf = (reference: string): string => networks.find(reference)?.name ?? reference;
  const main = nameOf(mode);
  const endpoints: Record<string, EndpointConfig> = {};
  for (const [key, config] of given) endpoints[nameOf(config.NetworkID || key)] = wishOf(config);
  endpoints[main] = withMac(endpoints[main] ?? {}, request.MacAddress);
  refuseMixed(Object.keys(endpoints));
  for (const [name, config] of Object.entries(endpoints)) if (networks.find(name)) networks.checkEndpoint(name, config);
  return endpoints;
}

/** What is asked for, without what an endpoint only has once it is connected. */
export function wishOf(config: EndpointConfig): EndpointConfig {
  const { IPAMConfig, Links, Aliases, MacAddress, DriverOpts, GwPriority } = config;
  return {
    ...(IPAMConfig && Object.keys(IPAMConfig).length > 0 ? { IPAMConfig } : {}),
    ...(Links?.length ? { Links } : {}),
    ...(Aliases?.length ? { Aliases } : {}),
    ...(MacAddress ? { MacAddress } : {}),
    ...(DriverOpts && Object.keys(DriverOpts).length > 0 ? { DriverOpts } : {}),
    ...(GwPriority ? { GwPriority } : {}),
  };
}

/** Old clients name the address beside the endpoints; it is the one of the container's main network. */
function withMac(endpoint: EndpointConfig, mac: string | undefined): EndpointConfig {
  if (!mac) return endpoint;
  if (endpoint.MacAddress && endpoint.MacAddress.toLowerCase() !== mac.toLowerCase())
    throw invalid(
      'conflicting MAC addresses: the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty',
    );
  return { ...endpoint, MacAddress: mac };
}

function refuseMixed(names: readonly string[]): void {
  if (names.length < 2) return;
  if (names.includes('host'))
    throw invalid('conflicting options: cannot attach both user-defined and non-user-defined network-modes');
  if (names.includes('none'))
    throw invalid('container cannot be connected to multiple networks with one of the networks in private (none) mode');
}

/** The networks of a container: as connected while it runs, as asked for while it does not. */
export function endpointsOf(
  networks: {
    sandboxOf(containerId: string): Sandbox | undefined;
    find(reference: string): { id: string; own: boolean } | undefined;
  },
  record: ContainerRecord,
): Record<string, EndpointSettings> {
  const sandbox = networks.sandboxOf(record.id);
  if (sandbox) return { ...sandbox.endpoints };
  return Object.fromEntries(
    Object.entries(record.endpoints).map(([name, config]) => {
      const network = networks.find(name);
      return [name, unconnected(config, network?.own ? network.id : '')];
    }),
  );
}

function unconnected(config: EndpointConfig, networkId: string): EndpointSettings {
  return {
    IPAMConfig: config.IPAMConfig ?? null,
    Links: config.Links ?? null,
    Aliases: config.Aliases ?? null,
    MacAddress: config.MacAddress ?? '',
    DriverOpts: config.DriverOpts ?? null,
    GwPriority: config.GwPriority ?? 0,
    NetworkID: networkId,
    EndpointID: '',
    Gateway: '',
    IPAddress: '',
    IPPrefixLen: 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}
