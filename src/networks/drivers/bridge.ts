import { forbidden, invalid } from '../../base/errors.ts';
import { formatAddress, formatRange, lastOf, parseRange, readCidr } from '../../formats/ip-address.ts';
import { createFirewall } from '../../host/firewall.ts';
import { acceptInForeignChains, readForeignRules } from '../../host/firewall-foreign.ts';
import type { FirewallBridge } from '../../host/firewall-table.ts';
import { type Links, openLinks } from '../../host/links.ts';
import { writeSysctl } from '../../host/sysctl.ts';
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

export interface BridgeDriverDeps {
  readonly engineId: string;
  /** The default bridge's name, at most 15 characters. */
  readonly bridgeName: string;
  readonly settings: HostSettings;
  readonly options: BridgeOptions;
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
}

const FORWARDING = 'net/ipv4/ip_forward';
const FORWARDING_IPV6 = 'net/ipv6/conf/all/forwarding';

/**
 * Networks on Linux bridges: a veth pair per endpoint, addresses translated on the way out, ports published by
 * translating destinations. A link ends with its sandbox's namespace, in the kernel's own time; nothing waits for it.
 */
export function createBridgeDriver(deps: BridgeDriverDeps): NetworkDriver {
  const { engineId, settings } = deps;
  const names = engineNames(engineId);
  const links = openLinks();
  const firewall = createFirewall(names.table);

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
      await firewall.replace({
        bridges: made.map(firewallBridge),
        ports: recorded.ports,
        relayPort: recorded.relayPort,
      });
      letReachThemselves(links, recorded.ports, names);
      // What opens the host for packets of the bridges comes after the table that guards them.
      const foreign = await readForeignRules(names.table, names.mark);
      await acceptInForeignChains(foreign, names.mark, made.map(bridgeOf));
      for (const network of made) writeSysctl(`net/ipv4/conf/${bridgeOf(network)}/route_localnet`, '1');
      settings.change(FORWARDING, '1');
      if (made.some(ipv6PoolOf)) settings.change(FORWARDING_IPV6, '1');
      else if (!foreign.forwarding) settings.restore(FORWARDING_IPV6);
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
      if (!foreign.forwarding) for (const setting of [FORWARDING, FORWARDING_IPV6]) settings.restore(setting);
    },

    [Symbol.dispose]() {
      firewall[Symbol.dispose]();
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
  return {
    enableIpv4: true,
    enableIpv6: false,
    options: { bridge: bridgeName, mtu, icc, masquerade: 'true', hostBinding: '', prefix: 'eth' },
    driverOptions: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': icc,
      'com.docker.network.bridge.enable_ip_masquerade': 'true',
      'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
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
