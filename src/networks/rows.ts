import type { EndpointConfig } from '../api/types/container.ts';
import type { Row } from '../base/database.ts';
import type { ResolverSettings } from '../formats/resolv-conf.ts';
import type { Endpoint, Network, PublishedPort } from './driver-contract.ts';

/** A container's sandbox as recorded. */
export interface SandboxRecord {
  readonly containerId: string;
  /** Where its namespace is pinned; undefined for the host's. */
  readonly namespace: string | undefined;
  /** What the container is called. */
  readonly name: string;
  readonly hostname: string;
  /** What was asked of its resolver: by its owner, or else by the engine's configuration. */
  readonly resolver: ResolverSettings;
  /** The text that the engine gives it as /etc/resolv.conf. */
  readonly resolvConf: string;
}

/** An endpoint with what its owner asked for. */
export interface EndpointRecord extends Endpoint {
  readonly config: EndpointConfig;
  /** What it is called on its network, in the order inspect shows them; of a recorded one see `endpointNames`. */
  readonly names: readonly string[];
}

/** What rows of the database say. */
export const optional = <T>(row: Row | undefined, read: (row: Row) => T): T | undefined => row && read(row);
export const textOf = (value: Row[string] | undefined): string | undefined =>
  value == null ? undefined : String(value);

export function networkOf(row: Row): Network {
  const definition = JSON.parse(String(row['definition'])) as Omit<Network, 'id' | 'name' | 'driver'>;
  return {
    ...definition,
    addressing: definition.addressing ?? undefined,
    id: String(row['id']),
    name: String(row['name']),
    driver: String(row['driver']),
  };
}

export function sandboxOf(row: Row): SandboxRecord {
  return {
    containerId: String(row['container_id']),
    namespace: textOf(row['namespace']),
    name: String(row['name']),
    hostname: String(row['hostname']),
    resolver: JSON.parse(String(row['resolver'])) as ResolverSettings,
    resolvConf: String(row['resolv_conf']),
  };
}

export function endpointOf(row: Row): EndpointRecord {
  const config = JSON.parse(String(row['config'])) as EndpointConfig;
  return {
    id: String(row['id']),
    containerId: String(row['container_id']),
    networkId: String(row['network_id']),
    ip: textOf(row['ip']) ?? '',
    ipv6: textOf(row['ipv6']) ?? '',
    mac: String(row['mac']),
    interfaceName: String(row['interface']),
    linkLocal: config.IPAMConfig?.LinkLocalIPs ?? [],
    config,
    names: [],
  };
}

export function portOf(row: Row): PublishedPort {
  return {
    endpointId: String(row['endpoint_id']),
    protocol: String(row['protocol']) as PublishedPort['protocol'],
    hostIp: String(row['host_ip']),
    hostPort: Number(row['host_port']),
    containerIp: String(row['container_ip']),
    containerPort: Number(row['container_port']),
  };
}
