import { crashPoint } from '../../base/crash-points.ts';
import { forbidden } from '../../base/errors.ts';
import type { FirewallBridge } from '../../host/firewall-table.ts';
import { type Links, openLinks } from '../../host/links.ts';
import { addressesOf as linkAddresses } from '../../host/network-facts.ts';
import { watchRules } from '../../host/rule-changes.ts';
import type { Network, NetworkDriver } from '../driver-contract.ts';
import { type EngineNames, engineNames } from '../engine-names.ts';
import type { HostSettings } from '../host-settings.ts';
import { type AddressPool, defaultPools } from '../ipam.ts';
import { heldContainers, linkedContainers, openLinked } from './bridge-held.ts';
import {
  bridgeOf,
  endpointAddresses,
  ensureBridge,
  ipv4PoolOf,
  ipv6PoolOf,
  letReachThemselves,
  modesOf,
  mtuOf,
  sweepLinks,
  talking,
} from './bridge-links.ts';
import { bridgeSettings } from './bridge-options.ts';
import { type BridgePolicy, createBridgeRules } from './bridge-rules.ts';
import { type BridgeOptions, planDefaultBridge } from './default-bridge.ts';

export interface BridgeDriverDeps {
  readonly engineId: string;
  /** The default bridge's name, at most 15 characters. */
  readonly bridgeName: string;
  readonly settings: HostSettings;
  readonly options: BridgeOptions;
  /** False where there is to be no default bridge. */
  readonly defaultBridge?: boolean;
  /** What the engine may do to the host's packets; everything without it. */
  readonly policy?: BridgePolicy;
  /** Where subnets are chosen from; Docker's without it. */
  readonly pools?: readonly AddressPool[];
}

/**
 * Networks on Linux bridges: a veth pair per endpoint, addresses translated on the way out, ports published by
 * translating destinations. A link ends with its sandbox's namespace, in the kernel's own time; nothing waits for it.
 */
export function createBridgeDriver(deps: BridgeDriverDeps): NetworkDriver {
  const { engineId, settings, policy } = deps;
  const names = engineNames(engineId);
  const links = openLinks();
  const addressesOf = (name: string): readonly string[] | undefined => {
    const link = links.find(name);
    return link && linkAddresses(link.index);
  };
  const rules = createBridgeRules(names, settings, policy);
  const rulesMade = policy?.rules ?? true;

  return {
    name: 'bridge',
    namespace: 'own',
    plan(occupied, recorded) {
      if (deps.defaultBridge === false) return undefined;
      return planDefaultBridge({ pools: defaultPools, addressesOf, ...deps }, occupied, recorded);
    },
    egress: policy === undefined || (policy.rules && policy.ipv6Rules),

    draft(network, others) {
      const { ipv4 = [], ipv6 = [] } = network.addressing ?? {};
      if (ipv4.length > 1 || ipv6.length > 1) throw forbidden("bridge driver doesn't support multiple subnets");
      return { ...bridgeSettings(network, others, 1500) };
    },

    make: (network) => ensureBridge(links, network, names.mark),

    async restore(recorded, fault) {
      const made = recorded.networks.filter((network) => makeOrTell(links, network, names, fault));
      sweepLinks(links, recorded, names);
      const [egress, linked] = [heldContainers(recorded, names), linkedContainers(recorded, names)];
      const opened = new Set(rulesMade ? linked.map(({ to }) => to.port) : []);
      await openLinked(links, recorded, opened, names, async () => {
        await rules.restore(made.map(firewallBridge), { ...recorded, egress, links: linked });
        crashPoint('network.rules.written');
      });
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

    disconnect: (_network, endpoint) => void links.remove(names.link(endpoint.id)),

    intact: () => rules.intact(),
    ...(rulesMade && { watch: watchRules }),
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
  const modes = modesOf(network);
  const pools = [ipv4PoolOf(network), ipv6PoolOf(network)].filter((pool) => pool !== undefined);
  return {
    name: bridgeOf(network),
    subnets: pools.map(({ subnet }) => subnet),
    talking: talking(network),
    internal: network.internal,
    masquerade: network.options['masquerade'] !== 'false',
    ...(modes.ip === 'nat' && modes.ip6 === 'nat' ? {} : { modes }),
  };
}
