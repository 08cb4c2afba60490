import type { CreateRequest, EndpointConfig } from '../api/types/container.ts';
import type { Project, ServiceModel, ServiceNetwork } from '../formats/compose-file/model.ts';
import { withoutUndefined } from './service-limits.ts';

export interface NetworkPart {
  readonly mode: string;
  readonly endpoints: NonNullable<NonNullable<CreateRequest['NetworkingConfig']>['EndpointsConfig']>;
}

/** A service's networks, the one that gives the default route first. */
export const networkKeys = (service: ServiceModel): string[] =>
  Object.entries(service.networks ?? {})
    .toSorted(
      ([leftKey, left], [rightKey, right]) =>
        (right?.priority ?? 0) - (left?.priority ?? 0) || (leftKey < rightKey ? -1 : 1),
    )
    .map(([key]) => key);

/**
 * How a container of a service is connected.
 * @param containerOf the container that `network_mode: service:x` means.
 * @param aliases by which others of the project find it; none for what `run` makes.
 * @param links `CONTAINER:ALIAS`.
 */
export function networkPart(
  project: Project,
  service: ServiceModel,
  containerOf: (service: string) => string,
  aliases: readonly string[],
  links: readonly string[],
): NetworkPart {
  const mode = service.network_mode;
  if (mode !== undefined) {
    const shared = mode.startsWith('service:') ? `container:${containerOf(mode.slice('service:'.length))}` : mode;
    return { mode: shared, endpoints: {} };
  }
  const keys = networkKeys(service);
  const [first] = keys;
  if (first === undefined) return { mode: 'none', endpoints: {} };
  const endpoints = Object.fromEntries(
    keys.map((key) => {
      const name = project.networks[key]!.name;
      return [
        name,
        endpointOf(service.networks?.[key] ?? {}, key === first ? service.mac_address : undefined, aliases, links),
      ] as const;
    }),
  );
  return { mode: project.networks[first]!.name, endpoints };
}

function endpointOf(
  network: ServiceNetwork,
  macAddress: string | undefined,
  aliases: readonly string[],
  links: readonly string[],
): EndpointConfig {
  const { ipv4_address: four, ipv6_address: six, link_local_ips: local } = network;
  const options = {
    ...network.driver_opts,
    ...(network.interface_name === undefined ? {} : { 'com.docker.network.endpoint.ifname': network.interface_name }),
  };
  return withoutUndefined<EndpointConfig>({
    Aliases: [...new Set([...aliases, ...(network.aliases ?? [])])],
    Links: links.length > 0 ? [...links] : undefined,
    MacAddress: network.mac_address ?? macAddress,
    DriverOpts: Object.keys(options).length > 0 ? options : undefined,
    GwPriority: network.gw_priority,
    IPAMConfig:
      four === undefined && six === undefined && local === undefined
        ? undefined
        : withoutUndefined<NonNullable<EndpointConfig['IPAMConfig']>>({
            IPv4Address: four,
            IPv6Address: six,
            LinkLocalIPs: local && [...local],
          }),
  });
}
