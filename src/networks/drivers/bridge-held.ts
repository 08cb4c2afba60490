import { shortId } from '../../base/ids.ts';
import type { EgressRule } from '../../formats/egress-rule.ts';
import type { FirewallLink } from '../../host/firewall-bridge.ts';
import type { FirewallEgress } from '../../host/firewall-egress.ts';
import type { Links } from '../../host/links.ts';
import type { Endpoint, Network, Recorded } from '../driver-contract.ts';
import type { EngineNames } from '../engine-names.ts';
import { talking } from './bridge-links.ts';

type Known = Pick<Recorded, 'networks' | 'endpoints' | 'egress' | 'links'>;

const addressesOf = ({ ip, ipv6 }: Endpoint): string[] => [ip, ipv6].filter(Boolean);

/** What containers may send, with the subnets they are in for the word `networks`. */
export function heldContainers({ networks, endpoints, egress }: Known, names: EngineNames): FirewallEgress[] {
  return egress.map(({ containerId, rules }) => {
    const own = endpoints.filter((endpoint) => endpoint.containerId === containerId);
    const joined = networks.filter(({ id }) => own.some(({ networkId }) => networkId === id));
    return {
      name: shortId(containerId),
      addresses: own.flatMap(addressesOf),
      ports: own.map(({ id }) => names.link(id)),
      rules: rules.flatMap((rule) => withSubnets(rule, joined)),
    };
  });
}

function withSubnets(rule: EgressRule, networks: readonly Network[]): EgressRule[] {
  if (rule.to !== 'networks') return [rule];
  const pools = networks.flatMap(({ addressing }) => [...(addressing?.ipv4 ?? []), ...(addressing?.ipv6 ?? [])]);
  return pools.map(({ subnet }) => ({ ...rule, to: subnet }));
}

/** Who may reach whom on bridges whose containers do not talk. Links to containers that are not there now are passed over. */
export function linkedContainers({ networks, endpoints, links }: Known, names: EngineNames): FirewallLink[] {
  const apart = new Set(networks.filter((network) => !talking(network)).map(({ id }) => id));
  const on = (containerId: string): Endpoint[] =>
    endpoints.filter((one) => one.containerId === containerId && apart.has(one.networkId));
  const end = (endpoint: Endpoint) => ({ port: names.link(endpoint.id), addresses: addressesOf(endpoint) });
  return links.flatMap(({ containerId, target, ports }) =>
    on(containerId).flatMap((from) =>
      on(target)
        .filter(({ networkId }) => networkId === from.networkId)
        .map((to) => ({ from: end(from), to: end(to), ports })),
    ),
  );
}

/**
 * Has the ports of containers that others are linked to be kept apart no more by their bridges, once rules do it; `work`
 * makes the rules. At no moment is a port open and without them. Ports whose link is not there yet are passed over.
 */
export async function openLinked(
  links: Links,
  { networks, endpoints }: Known,
  opened: ReadonlySet<string>,
  names: EngineNames,
  work: () => Promise<void>,
): Promise<void> {
  const apart = new Set(networks.filter((network) => !talking(network)).map(({ id }) => id));
  const ports = endpoints.filter(({ networkId }) => apart.has(networkId)).map(({ id }) => names.link(id));
  const setAll = (isolated: boolean): void => {
    for (const port of ports.filter((name) => opened.has(name) !== isolated))
      if (links.find(port)) links.setIsolated(port, isolated);
  };
  setAll(true);
  await work();
  setAll(false);
}
