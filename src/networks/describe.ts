import type { EndpointSettings } from '../api/types/container.ts';
import { internal } from '../base/errors.ts';
import { readIfThere } from '../base/read-if-there.ts';
import type { Sandbox } from './contract.ts';
import type { Network, PublishedPort } from './driver-contract.ts';
import { parseCidr } from './ipv4.ts';
import { containerNameservers } from './nameservers.ts';
import type { EndpointRecord, NetworkStore, SandboxRecord } from './store.ts';

/** A recorded sandbox as the container domain sees it. */
export function describeSandbox(sandbox: SandboxRecord, store: NetworkStore): Sandbox {
  const { containerId } = sandbox;
  return describe(sandbox, store.endpointsOf(containerId), store.portsOf(containerId), store.networks());
}

/** All recorded sandboxes by container id, as `describeSandbox` tells each, in four queries. */
export function describeSandboxes(store: NetworkStore): Map<string, Sandbox> {
  const networks = store.networks();
  const endpoints = Map.groupBy(store.endpoints(), ({ containerId }) => containerId);
  const ports = Map.groupBy(store.ports(), ({ endpointId }) => endpointId);
  return new Map(
    store.sandboxes().map((sandbox) => {
      const own = endpoints.get(sandbox.containerId) ?? [];
      const published = own.flatMap(({ id }) => ports.get(id) ?? []);
      return [sandbox.containerId, describe(sandbox, own, published, networks)];
    }),
  );
}

function describe(
  { namespace }: SandboxRecord,
  endpoints: readonly EndpointRecord[],
  ports: readonly PublishedPort[],
  networks: readonly Network[],
): Sandbox {
  const joined = endpoints.map((endpoint) => {
    const network = networks.find(({ id }) => id === endpoint.networkId);
    if (!network) throw internal(`the network ${endpoint.networkId} is not recorded`);
    return { endpoint, network };
  });
  return {
    namespace: namespace === undefined ? { kind: 'host' } : { kind: 'path', path: namespace },
    endpoints: Object.fromEntries(joined.map(({ endpoint, network }) => [network.name, settingsOf(endpoint, network)])),
    ports: describePorts(ports),
    get nameservers() {
      return joined.some(({ network }) => network.addressing) ? nameserversHere() : undefined;
    },
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
