import type { EndpointSettings } from '../api/types/container.ts';
import { internal } from '../base/errors.ts';
import { parseRange } from '../formats/ip-address.ts';
import type { Sandbox } from './contract.ts';
import type { Network, PublishedPort } from './driver-contract.ts';
import { endpointNames } from './endpoint.ts';
import { poolOf, wayOut } from './gateways.ts';
import type { Joined } from './joining.ts';
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
  sandbox: SandboxRecord,
  endpoints: readonly EndpointRecord[],
  ports: readonly PublishedPort[],
  networks: readonly Network[],
): Sandbox {
  const { namespace, resolvConf } = sandbox;
  const joined = endpoints.map((endpoint) => {
    const network = networks.find(({ id }) => id === endpoint.networkId);
    if (!network) throw internal(`the network ${endpoint.networkId} is not recorded`);
    return { endpoint, network };
  });
  return {
    namespace: namespace === undefined ? { kind: 'host' } : { kind: 'path', path: namespace },
    endpoints: Object.fromEntries(joined.map((one) => [one.network.name, settingsOf(one, sandbox)])),
    ports: describePorts(ports),
    resolvConf,
  };
}

function settingsOf({ endpoint, network }: Joined, sandbox: SandboxRecord): EndpointSettings {
  const { id, ip, ipv6, mac, config } = endpoint;
  const { addressing, internal: closed } = network;
  const [ipv4Pool, ipv6Pool] = [poolOf(addressing?.ipv4, ip), poolOf(addressing?.ipv6, ipv6)];
  const names = endpointNames(network, sandbox, config);
  return {
    IPAMConfig: config.IPAMConfig ?? null,
    Links: config.Links ?? null,
    Aliases: config.Aliases ?? null,
    MacAddress: mac,
    DriverOpts: config.DriverOpts ?? null,
    GwPriority: config.GwPriority ?? 0,
    NetworkID: network.id,
    EndpointID: id,
    Gateway: closed || !ipv4Pool ? '' : wayOut(ipv4Pool),
    IPAddress: ip,
    IPPrefixLen: ipv4Pool ? parseRange(ipv4Pool.subnet).prefix : 0,
    IPv6Gateway: closed || !ipv6Pool ? '' : wayOut(ipv6Pool),
    GlobalIPv6Address: ipv6,
    GlobalIPv6PrefixLen: ipv6Pool ? parseRange(ipv6Pool.subnet).prefix : 0,
    DNSNames: names.length > 0 ? names : null,
  };
}

function describePorts(ports: readonly PublishedPort[]): Sandbox['ports'] {
  const described: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const { protocol, containerPort, hostIp, hostPort } of ports) {
    const key = `${containerPort}/${protocol}`;
    described[key] = [...(described[key] ?? []), { HostIp: hostIp, HostPort: hostPort ? String(hostPort) : '' }];
  }
  return described;
}
