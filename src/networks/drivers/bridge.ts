import { forbidden, invalid } from '../../base/errors.ts';
import { formatAddress, formatRange, lastOf, parseRange, readCidr } from '../../formats/ip-address.ts';
import type { FirewallBridge } from '../../host/firewall-table.ts';
import { type Links, openLinks } from '../../host/links.ts';
import type { Addressing, Network, NetworkDriver } from '../driver-contract.ts';
import { type EngineNames, engineNames } from '../engine-names.ts';
import type { HostSettings } from '../host-settings.ts';
import { type AddressPool, chooseSubnet, defaultPools } from '../ipam.ts';
import {
  bridgeOf,
  endpointAddresses,
  ensureBridge,
  ipv4PoolOf,
  ipv6PoolOf,
  letReachThemselves,
  mtuOf,
  sweepLinks,
  talking,
} from './bridge-links.ts';
import { bridgeSettings } from './bridge-options.ts';
import { type BridgePolicy, createBridgeRules } from './bridge-rules.ts';

export interface BridgeDriverDeps {
  readonly engineId: string;
  /** The default bridge's name, at most 15 characters. */
  readonly bridgeName: string;
  readonly settings: HostSettings;
  readonly options: BridgeOptions;
  /** What the engine may do to the host's packets; everything without it. */
  readonly policy?: BridgePolicy;
  /** Where subnets are chosen from; Docker's without it. */
  readonly pools?: readonly AddressPool[];
}

/** Docker's daemon options of the default bridge. */
export interface BridgeOptions {
  /** Address and subnet of the bridge, such as `10.9.0.1/24`. By default a free subnet is chosen once and kept. */
  readonly bip?: string;
  readonly mtu?: number;
  /** Whether containers on it may talk to each other; true by default. */
  readonly icc?: boolean;
  /** Whether its containers leave with the host's address; true by default. */
  readonly masquerade?: boolean;
  /** The host's address on which ports are published that name none; empty for all. */
  readonly hostBinding?: string;
}

/**
 * Networks on Linux bridges: a veth pair per endpoint, addresses translated on the way out, ports published by
 * translating destinations. A link ends with its sandbox's namespace, in the kernel's own time; nothing waits for it.
 */
export function createBridgeDriver(deps: BridgeDriverDeps): NetworkDriver {
  const { engineId, settings, policy } = deps;
  const names = engineNames(engineId);
  const links = openLinks();
  const rules = createBridgeRules(names, settings, policy);

  return {
    name: 'bridge',
    namespace: 'own',
    plan: (occupied, recorded) => planDefault(deps, occupied, recorded),

    draft(network, others) {
      const { ipv4 = [], ipv6 = [] } = network.addressing ?? {};
      if (ipv4.length > 1 || ipv6.length > 1) throw forbidden("bridge driver doesn't support multiple subnets");
      return { ...bridgeSettings(network, others, 1500) };
    },

    make: (network) => ensureBridge(links, network, names.mark),

    async restore(recorded, fault) {
      const made = recorded.networks.filter((network) => makeOrTell(links, network, names, fault));
      sweepLinks(links, recorded, names);
      await rules.restore(made.map(firewallBridge), recorded);
      letReachThemselves(links, recorded.ports, names);
    },

    connect(network, endpoint, sandbox) {
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
        sandbox.configure(endpoint.interfaceName, endpointAddresses(network, endpoint));
      } catch (error) {
        links.remove(link);
        throw error;
      }
    },

    disconnect: (_, endpoint) => void links.remove(names.link(endpoint.id)),

    intact: () => rules.intact(),
    added: () => rules.added(),

    async publish(ports) {
      rules.publish(ports);
      letReachThemselves(links, ports, names);
    },
    unpublish: async (ports) => rules.unpublish(ports),
    async replacePorts(before, after) {
      rules.replacePorts(before, after);
      letReachThemselves(links, after, names);
    },

    async remove() {
      await rules.remove();
      sweepLinks(links, { networks: [], endpoints: [] }, names);
    },

    [Symbol.dispose]() {
      rules[Symbol.dispose]();
      links[Symbol.dispose]();
    },
  };
}

/** The default bridge cannot be done without; a network of a user's can. */
function makeOrTell(
  links: Links,
  network: Network,
  { mark }: EngineNames,
  fault: (network: Network, error: unknown) => void,
): boolean {
  try {
    ensureBridge(links, network, mark);
    return true;
  } catch (error) {
    if (network.name === 'bridge') throw error;
    fault(network, error);
    return false;
  }
}

function firewallBridge(network: Network): FirewallBridge {
  const pools = [ipv4PoolOf(network), ipv6PoolOf(network)].filter((pool) => pool !== undefined);
  return {
    name: bridgeOf(network),
    subnets: pools.map(({ subnet }) => subnet),
    talking: talking(network),
    internal: network.internal,
    masquerade: network.options['masquerade'] !== 'false',
  };
}

function planDefault(deps: BridgeDriverDeps, occupied: () => readonly string[], recorded: Network | undefined) {
  const { bridgeName, options, pools = defaultPools } = deps;
  const [mtu, icc] = [String(options.mtu ?? 1500), String(options.icc ?? true)];
  const [masquerade, hostBinding] = [String(options.masquerade ?? true), options.hostBinding ?? ''];
  return {
    enableIpv4: true,
    enableIpv6: false,
    options: { bridge: bridgeName, mtu, icc, masquerade, hostBinding, prefix: 'eth' },
    driverOptions: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': icc,
      'com.docker.network.bridge.enable_ip_masquerade': masquerade,
      'com.docker.network.bridge.host_binding_ipv4': hostBinding || '0.0.0.0',
      'com.docker.network.bridge.name': bridgeName,
      'com.docker.network.driver.mtu': mtu,
    },
    addressing: options.bip
      ? addressingFrom(options.bip)
      : (recorded?.addressing ?? chooseAddressing(pools, occupied())),
  };
}

const poolOf = (subnet: string, gateway: string): Addressing => ({
  ipv4: [{ subnet, gateway, range: '', auxiliary: {}, chosen: false }],
  ipv6: [],
});

function addressingFrom(bip: string): Addressing {
  const read = readCidr(bip);
  if (read?.address.family !== 4) throw invalid(`invalid CIDR address: ${bip}`);
  const { address, range } = read;
  if (address.value === range.first || address.value >= lastOf(range)) {
    throw invalid(`invalid "bip" ${bip}: it must be a host address in its subnet, such as 172.20.0.1/16`);
  }
  return poolOf(formatRange(range), formatAddress(address));
}

function chooseAddressing(pools: readonly AddressPool[], occupied: readonly string[]): Addressing {
  const subnet = chooseSubnet(4, pools, occupied.map(parseRange));
  return poolOf(formatRange(subnet), formatAddress({ family: 4, value: subnet.first + 1n }));
}
