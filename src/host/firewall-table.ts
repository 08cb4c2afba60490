import { type FirewallLink, linkedAddressForward, linkedAddressSets } from './firewall-bridge.ts';
import { egressText, type FirewallEgress } from './firewall-egress.ts';
import { type GatewayModes, isOpen, openForward, openSets } from './firewall-open.ts';
import { type Family, type FirewallPort, families, familyOf, portElements } from './firewall-ports.ts';

/** A bridge whose traffic the engine's table rules. */
export interface FirewallBridge {
  readonly name: string;
  /** `172.17.0.0/16`, `fd00:1::/64`: none, one or several, of either family. */
  readonly subnets: readonly string[];
  /** Whether containers on it may talk to each other (Docker's `icc`). */
  readonly talking: boolean;
  /** Whether nothing leaves it and nothing comes in from elsewhere than the host (Docker's `--internal`). */
  readonly internal: boolean;
  /** Whether what leaves it gets the host's address. */
  readonly masquerade: boolean;
  /** How its containers are reached by their own addresses; not at all without it. */
  readonly modes?: GatewayModes | undefined;
}

/** Everything the table says. */
export interface FirewallContents {
  readonly bridges: readonly FirewallBridge[];
  readonly ports: readonly FirewallPort[];
  /** Port of the relay on this host; undefined where there is none. */
  readonly relayPort: number | undefined;
  /** Whether IPv6 is ruled as well, which it is without this. */
  readonly ipv6?: boolean;
  /** Containers that may not reach everything. */
  readonly egress?: readonly FirewallEgress[];
  /** Containers that reach others on bridges whose containers do not talk. */
  readonly links?: readonly FirewallLink[];
}

/**
 * The table, as `nft -f -` reads it. A packet that another table drops stays dropped whatever is accepted here; see
 * firewall-foreign.ts.
 * - `guard`: route_localnet lets a bridge's packets reach 127.0.0.0/8, which only published ports may use.
 * - `prerouting`: what comes from elsewhere for 127.0.0.1 is left to the kernel, which drops it. Translated, it would
 *   reach ports that are published for this host alone.
 * - `postrouting`: containers leave with the host's address. A connection from the host's own loopback, from a
 *   container to a port of its own network, or to its own port, comes from the bridge's address, so that replies
 *   return here. (Where bridge-nf-call-iptables is set, a peer keeps its address: the bridge itself translates.)
 * - `forward`: a bridge is reached from elsewhere by published ports alone, an internal one not even so. What passes
 *   between ports of one bridge comes by here where bridge-nf-call-iptables is set.
 * - `input`: the relay takes nothing but what was led to it.
 */
export function tableText(
  table: string,
  { bridges, ports, relayPort, ipv6 = true, egress = [], links = [] }: FirewallContents,
): string {
  const relaying = relayPort === undefined ? [] : [relayPort];
  return `table inet ${table} {
${bridgeSets(bridges, ipv6)}${portSets(ports, isOpen(bridges))}${links.length === 0 ? '' : linkedAddressSets(links)}
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }
${families.map((family) => publishChain(family, relaying)).join('')}
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 accept
    fib daddr type local meta l4proto { tcp, udp, sctp } meta nfproto vmap { ipv4 : jump publish, ipv6 : jump publish6 }
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local meta l4proto { tcp, udp, sctp } meta nfproto vmap { ipv4 : jump publish, ipv6 : jump publish6 }
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr @subnets oifname != @bridges masquerade
    ip6 saddr @subnets6 oifname != @bridges masquerade
    ip saddr 127.0.0.0/8 oifname @bridges masquerade
    iifname . oifname @hairpin ct status dnat masquerade
    ip saddr . ip daddr @own oifname @bridges ct status dnat masquerade
    ip6 saddr . ip6 daddr @own6 oifname @bridges ct status dnat masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
${ipv6 ? '' : '    meta nfproto ipv6 accept\n'}    iifname != @bridges oifname != @bridges accept
${egress.length === 0 ? '' : '    jump held\n'}    iifname . oifname @talking accept
    iifname @internal drop
    oifname @internal drop
    ct state established,related accept
${links.length === 0 ? '' : linkedAddressForward}${openForward(bridges)}    oifname @bridges ct status dnat accept
    oifname @bridges drop
  }
${relaying.map(inputChain).join('')}${egress.length === 0 ? '' : egressText(egress)}}
`;
}

function publishChain({ ip, suffix }: Family, relaying: readonly number[]): string {
  const relay = (match: string): string => relaying.map((port) => `    ${match} redirect to :${port}\n`).join('');
  return `  chain publish${suffix} {
${relay(`${ip} daddr . tcp dport @relayed_on${suffix}`)}    dnat ${ip} to ${ip} daddr . meta l4proto . th dport map @published_on${suffix}
${relay(`tcp dport @relayed${suffix}`)}${suffix ? '    ip6 daddr ::1 return\n' : ''}    dnat ${ip} to meta l4proto . th dport map @published${suffix}
  }
`;
}

const inputChain = (port: number): string => `  chain input {
    type filter hook input priority filter; policy accept;
    tcp dport ${port} ct status & dnat == 0 drop
  }
`;

function set(kind: 'set' | 'map', name: string, type: string, values: readonly string[]): string {
  const elements = values.length === 0 ? '' : `elements = { ${values.join(', ')} }`;
  return `  ${kind} ${name} { type ${type}; ${elements} }\n`;
}

function portSets(ports: readonly FirewallPort[], routing: boolean): string {
  const elements = Map.groupBy(portElements(ports), (element) => element.set);
  const filled = (kind: 'set' | 'map', name: string, type: string): string =>
    set(kind, name, type, elements.get(name)?.map(({ text }) => text) ?? []);
  return families
    .map(({ suffix, address }) =>
      [
        filled('map', `published${suffix}`, `inet_proto . inet_service : ${address} . inet_service`),
        filled('map', `published_on${suffix}`, `${address} . inet_proto . inet_service : ${address} . inet_service`),
        filled('set', `relayed${suffix}`, 'inet_service'),
        filled('set', `relayed_on${suffix}`, `${address} . inet_service`),
        filled('set', `own${suffix}`, `${address} . ${address}`),
        routing ? filled('set', `routed${suffix}`, `${address} . inet_proto . inet_service`) : '',
      ].join(''),
    )
    .join('');
}

function bridgeSets(bridges: readonly FirewallBridge[], ipv6: boolean): string {
  const name = (bridge: FirewallBridge): string => `"${bridge.name}"`;
  const pair = (bridge: FirewallBridge): string => `${name(bridge)} . ${name(bridge)}`;
  const leaving = bridges.filter(({ masquerade, internal }) => masquerade && !internal);
  const subnets = leaving.flatMap(({ subnets: all, modes }) =>
    all.filter((subnet) => {
      const { ip } = familyOf(subnet.split('/')[0] ?? '');
      return (ipv6 || ip === 'ip') && modes?.[ip] !== 'routed';
    }),
  );
  return [
    set('set', 'bridges', 'ifname', bridges.map(name)),
    ...families.map((family) =>
      set(
        'set',
        `subnets${family.suffix}`,
        `${family.address}; flags interval`,
        subnets.filter((subnet) => familyOf(subnet.split('/')[0] ?? '') === family),
      ),
    ),
    set('set', 'hairpin', 'ifname . ifname', bridges.map(pair)),
    set('set', 'talking', 'ifname . ifname', bridges.filter(({ talking }) => talking).map(pair)),
    set('set', 'internal', 'ifname', bridges.filter(({ internal }) => internal).map(name)),
    openSets(bridges, (setName, values) => set('set', setName, 'ifname', values)),
  ].join('');
}
