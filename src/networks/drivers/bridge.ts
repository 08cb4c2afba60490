import { conflict, internal, invalid } from '../../base/errors.ts';
import { createFirewall } from '../../host/firewall.ts';
import { acceptInForeignChains, readForeignRules } from '../../host/firewall-foreign.ts';
import type { FirewallBridge } from '../../host/firewall-table.ts';
import { type Links, openLinks } from '../../host/links.ts';
import { addressesOf } from '../../host/network-facts.ts';
import { writeSysctl } from '../../host/sysctl.ts';
import type { Addressing, Network, NetworkDriver, PublishedPort, Recorded } from '../driver-contract.ts';
import { type EngineNames, engineNames } from '../engine-names.ts';
import type { HostSettings } from '../host-settings.ts';
import { chooseSubnet } from '../ipam.ts';
import { defaultPools, formatIp, formatSubnet, lastOf, macOf, parseCidr, parseIp } from '../ipv4.ts';

export interface BridgeDriverDeps {
  readonly engineId: string;
  /** The default bridge's name, at most 15 characters. */
  readonly bridgeName: string;
  readonly settings: HostSettings;
  readonly options: BridgeOptions;
}

/** Docker's daemon options of the default bridge. */
export interface BridgeOptions {
  /** Address and subnet of the bridge, such as `10.9.0.1/24`. By default a free subnet is chosen once and kept. */
  readonly bip?: string;
  readonly mtu?: number;
  /** Whether containers on it may talk to each other; true by default. */
  readonly icc?: boolean;
}

const FORWARDING = 'net/ipv4/ip_forward';

/**
 * Networks on Linux bridges: a veth pair per endpoint, addresses translated on the way out, ports published by
 * translating destinations. A link ends with its sandbox's namespace, in the kernel's own time; nothing waits for it.
 */
export function createBridgeDriver(deps: BridgeDriverDeps): NetworkDriver {
  const { engineId, bridgeName, settings, options } = deps;
  const names = engineNames(engineId);
  const links = openLinks();
  const firewall = createFirewall(names.table);

  return {
    name: 'bridge',
    namespace: 'own',

    plan(occupied, recorded) {
      return {
        options: { bridge: bridgeName, mtu: String(options.mtu ?? 1500), icc: String(options.icc ?? true) },
        addressing: options.bip ? addressingFrom(options.bip) : (recorded?.addressing ?? chooseAddressing(occupied())),
      };
    },

    async restore(recorded) {
      for (const network of recorded.networks) ensureBridge(links, network, names.mark);
      sweepLinks(links, recorded, names);
      await firewall.replace({
        bridges: recorded.networks.map(firewallBridge),
        ports: recorded.ports,
        relayPort: undefined,
      });
      letReachThemselves(links, recorded.ports, names);
      // What opens the host for packets of the bridges comes after the table that guards them.
      const foreign = await readForeignRules(names.table, names.mark);
      await acceptInForeignChains(foreign, names.mark, recorded.networks.map(bridgeOf));
      for (const network of recorded.networks) writeSysctl(`net/ipv4/conf/${bridgeOf(network)}/route_localnet`, '1');
      settings.change(FORWARDING, '1');
    },

    connect(network, endpoint, sandbox) {
      const { gateway, prefix, broadcast } = addressingOf(network);
      const link = names.link(endpoint.id);
      links.addPort(
        {
          name: link,
          bridge: bridgeOf(network),
          isolated: !talking(network),
          mtu: mtuOf(network),
          peerName: endpoint.interfaceName,
          peerMac: endpoint.mac,
        },
        sandbox,
      );
      try {
        sandbox.configure(endpoint.interfaceName, { ip: endpoint.ip, prefix, broadcast, gateway });
      } catch (error) {
        links.remove(link);
        throw error;
      }
    },

    async publish(ports) {
      firewall.publish(ports);
      letReachThemselves(links, ports, names);
    },
    unpublish: async (ports) => firewall.unpublish(ports),
    async replacePorts(before, after) {
      firewall.replacePorts(before, after);
      letReachThemselves(links, after, names);
    },

    async remove() {
      const foreign = await readForeignRules(names.table, names.mark);
      await acceptInForeignChains({ ...foreign, dropping: [] }, names.mark, []);
      await firewall.remove();
      sweepLinks(links, { networks: [], endpoints: [] }, names);
      if (!foreign.forwarding) settings.restore(FORWARDING);
    },

    [Symbol.dispose]() {
      firewall[Symbol.dispose]();
      links[Symbol.dispose]();
    },
  };
}

const bridgeOf = (network: Network): string => network.options['bridge'] ?? '';
const mtuOf = (network: Network): number => Number(network.options['mtu']);
const talking = (network: Network): boolean => network.options['icc'] === 'true';

function addressingFrom(bip: string): Addressing {
  const { address, subnet } = parseCidr(bip);
  if (address === subnet.first || address >= lastOf(subnet)) {
    throw invalid(`invalid "bip" ${bip}: it must be a host address in its subnet, such as 172.20.0.1/16`);
  }
  return { subnet: formatSubnet(subnet), gateway: formatIp(address) };
}

function chooseAddressing(occupied: readonly string[]): Addressing {
  const taken = occupied.map((text) => parseCidr(text).subnet);
  const subnet = chooseSubnet(defaultPools, taken);
  return { subnet: formatSubnet(subnet), gateway: formatIp(subnet.first + 1) };
}

function addressingOf({ name, addressing }: Network) {
  if (!addressing) throw internal(`the bridge network ${name} has no addresses`);
  const { subnet } = parseCidr(addressing.subnet);
  return { ...addressing, prefix: subnet.prefix, broadcast: formatIp(lastOf(subnet)) };
}

function firewallBridge(network: Network): FirewallBridge {
  return {
    name: bridgeOf(network),
    subnets: [addressingOf(network).subnet],
    talking: talking(network),
    internal: false,
    masquerade: true,
  };
}

/** Makes a network's bridge, or adopts one that was made for it. */
function ensureBridge(links: Links, network: Network, mark: string): void {
  const name = bridgeOf(network);
  const { gateway, prefix, broadcast } = addressingOf(network);
  const existing = links.find(name);
  if (existing) {
    if (existing.kind !== 'bridge')
      throw conflict(`the link ${name} is no bridge: give the engine another bridge name`);
    if (existing.alias !== mark && existing.alias.startsWith('tug-')) {
      throw conflict(`the bridge ${name} belongs to another engine: give this one another bridge name`);
    }
    if (addressesOf(existing.index).includes(`${gateway}/${prefix}`)) return;
    if (existing.alias !== mark) {
      throw conflict(`the bridge ${name} does not have the address ${gateway}/${prefix}: add it, or set "bip"`);
    }
    links.remove(name);
  }
  const mac = macOf(parseIp(gateway) ?? 0);
  links.addBridge({ name, mac, mtu: mtuOf(network), alias: mark, address: gateway, prefix, broadcast });
}

/**
 * A container that asks for its own published port gets its packets back by the port they came from, which a
 * bridge does not do by itself. Endpoints whose link is not there yet, or no more, are passed over.
 */
function letReachThemselves(links: Links, ports: readonly PublishedPort[], names: EngineNames): void {
  for (const endpointId of new Set(ports.map((port) => port.endpointId))) {
    if (links.find(names.link(endpointId))) links.setHairpin(names.link(endpointId));
  }
}

/**
 * Looks at every link that carries the engine's name: joins those of endpoints to their bridges again where a
 * bridge was made anew, and removes those of no endpoint and bridges of no network.
 */
function sweepLinks(links: Links, { networks, endpoints }: Omit<Recorded, 'ports'>, names: EngineNames): void {
  const bridges = new Set(networks.map(bridgeOf));
  const owners = new Map(endpoints.map((endpoint) => [names.link(endpoint.id), endpoint]));
  for (const link of links.list()) {
    if (link.kind === 'bridge' && link.alias === names.mark && !bridges.has(link.name)) links.remove(link.name);
    if (!link.name.startsWith(names.linkPrefix)) continue;
    const owner = owners.get(link.name);
    const network = networks.find(({ id }) => id === owner?.networkId);
    if (!network) links.remove(link.name);
    else if (link.master === 0) {
      links.joinBridge({ name: link.name, bridge: bridgeOf(network), isolated: !talking(network) });
    }
  }
}
