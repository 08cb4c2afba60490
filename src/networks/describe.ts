import { readFileSync } from 'node:fs';
import type { EndpointSettings } from '../api/types/container.ts';
import { errnoOf, internal } from '../base/errors.ts';
import type { Sandbox } from './contract.ts';
import type { Network, PublishedPort } from './driver-contract.ts';
import { parseCidr } from './ipv4.ts';
import { containerNameservers } from './nameservers.ts';
import type { EndpointRecord, NetworkStore, SandboxRecord } from './store.ts';

/** A recorded sandbox as the container domain sees it. */
export function describeSandbox({ containerId, namespace }: SandboxRecord, store: NetworkStore): Sandbox {
  const networks = store.networks();
  const joined = store.endpointsOf(containerId).map((endpoint) => {
    const network = networks.find(({ id }) => id === endpoint.networkId);
    if (!network) throw internal(`the network ${endpoint.networkId} is not recorded`);
    return { endpoint, network };
  });
  return {
    namespace: namespace === undefined ? { kind: 'host' } : { kind: 'path', path: namespace },
    endpoints: Object.fromEntries(joined.map(({ endpoint, network }) => [network.name, settingsOf(endpoint, network)])),
    ports: describePorts(store.portsOf(containerId)),
    nameservers: joined.some(({ network }) => network.addressing) ? nameserversHere() : undefined,
  };
}

function settingsOf({ id, ip, mac, config }: EndpointRecord, { id: networkId, addressing }: Network): EndpointSettings {
  return {
    IPAMConfig: config.IPAMConfig ?? null,
    Links: config.Links ?? null,
    Aliases: config.Aliases ?? null,
    MacAddress: mac,
    DriverOpts: config.DriverOpts ?? null,
    GwPriority: config.GwPriority ?? 0,
    NetworkID: networkId,
    EndpointID: id,
    Gateway: addressing?.gateway ?? '',
    IPAddress: ip,
    IPPrefixLen: addressing ? parseCidr(addressing.subnet).subnet.prefix : 0,
    IPv6Gateway: '',
    GlobalIPv6Address: '',
    GlobalIPv6PrefixLen: 0,
    DNSNames: null,
  };
}

function describePorts(ports: readonly PublishedPort[]): Sandbox['ports'] {
  const described: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { protocol, containerPort, hostIp, hostPort } of ports) {
    const key = `${containerPort}/${protocol}`;
    described[key] = [...(described[key] ?? []), { HostIp: hostIp, HostPort: String(hostPort) }];
  }
  return described;
}

function nameserversHere(): string[] | undefined {
  const host = readIfThere('/etc/resolv.conf');
  return host === undefined ? undefined : containerNameservers(host, readIfThere('/run/systemd/resolve/resolv.conf'));
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
