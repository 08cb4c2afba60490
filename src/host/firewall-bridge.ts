import { type FirewallEgress, ruleText } from './firewall-egress.ts';
import { type FirewallPort, families, familyOf } from './firewall-ports.ts';

/** A container that may reach ports of another one on a bridge whose containers are apart (Docker's `--link`). */
export interface FirewallLink {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  readonly ports: readonly Pick<FirewallPort, 'protocol' | 'containerPort'>[];
}

interface LinkEnd {
  /** Its port of the bridge. */
  readonly port: string;
  readonly addresses: readonly string[];
}

interface WithinBridges {
  readonly links?: readonly FirewallLink[];
  readonly egress?: readonly FirewallEgress[];
}

const set = (name: string, type: string, elements: readonly string[]): string =>
  elements.length === 0
    ? `  set ${name} { type ${type}; }\n`
    : `  set ${name} { type ${type}; elements = { ${[...new Set(elements)].join(', ')} } }\n`;

const notFirst = '(syn | ack) != syn';

/**
 * A table of what passes between the ports of one bridge, which the tables of IP never see; empty where nothing is
 * ruled there. The kernel tracks no connections for bridges unless it is built to, so replies are known by what they
 * are: a segment of TCP that opens nothing, a datagram back to where one came from within three minutes. Refused
 * packets are dropped: answering them takes one more module. What is no IP and no ARP, a VLAN's tag among it, is
 * refused too, and later fragments go, which are nothing without the first.
 * - `held` keeps a container to its rules; see firewall-egress.ts.
 * - `opened` ports, which their bridge does not keep apart from its others, are reached by those linked to them alone.
 */
export function bridgeTableText(table: string, { links = [], egress = [] }: WithinBridges): string {
  if (links.length + egress.length === 0) return '';
  return `table bridge ${table} {
${egress.length === 0 ? '' : heldText(egress)}${links.length === 0 ? '' : linkedSets(links)}  chain forward {
    type filter hook forward priority filter; policy accept;
${egress.length === 0 ? '' : heldForward}${links.length === 0 ? '' : linkedForward}  }
}
`;
}

function heldText(egress: readonly FirewallEgress[]): string {
  const chains = egress.map(
    ({ name, rules }) =>
      `  chain egress-${name} {\n${rules.map((rule) => `    ${ruleText(rule, 'drop')}\n`).join('')}  }\n`,
  );
  const ports = egress.flatMap(({ name, ports: own }) => own.map((port) => ({ port: `"${port}"`, name })));
  const verdicts = ports.map(({ port, name }) => `${port} : jump egress-${name}`);
  return [
    ...families.map(
      ({ suffix, address }) =>
        `  set asked${suffix} { type ${address} . inet_service . ${address} . inet_service; size 65535; flags dynamic,timeout; timeout 3m; }\n`,
    ),
    set(
      'held',
      'ifname',
      ports.map(({ port }) => port),
    ),
    ...chains,
    `  map egress { type ifname : verdict; ${verdicts.length === 0 ? '' : `elements = { ${verdicts.join(', ')} }`} }\n`,
    `  chain held {
    ether type arp return
    ether type != { ip, ip6 } drop
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } return
    icmpv6 type { echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } return
    icmp type { echo-reply, destination-unreachable, time-exceeded, parameter-problem } return
    ip frag-off & 0x1fff != 0 return
    frag frag-off != 0 return
    tcp flags & ${notFirst} return
    ip daddr . udp dport . ip saddr . udp sport @asked return
    ip6 daddr . udp dport . ip6 saddr . udp sport @asked6 return
    iifname vmap @egress
  }
`,
  ].join('');
}

const heldForward = `    oifname @held update @asked { ip saddr . udp sport . ip daddr . udp dport }
    oifname @held update @asked6 { ip6 saddr . udp sport . ip6 daddr . udp dport }
    iifname @held jump held
`;

function linkedSets(links: readonly FirewallLink[]): string {
  const pair = ({ from, to }: FirewallLink): string => `"${from.port}" . "${to.port}"`;
  return [
    set(
      'linked',
      'ifname . ifname . inet_proto . inet_service',
      links.flatMap((link) => link.ports.map((port) => `${pair(link)} . ${port.protocol} . ${port.containerPort}`)),
    ),
    set(
      'pairs',
      'ifname . ifname',
      links.flatMap((link) => [pair(link), pair({ ...link, from: link.to, to: link.from })]),
    ),
    set(
      'opened',
      'ifname',
      links.map(({ to }) => `"${to.port}"`),
    ),
  ].join('');
}

const linkedForward = `    iifname . oifname @pairs ether type arp accept
    iifname . oifname @pairs icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    iifname . oifname @pairs ip frag-off & 0x1fff != 0 accept
    iifname . oifname @pairs frag frag-off != 0 accept
    iifname . oifname . meta l4proto . th dport @linked accept
    oifname . iifname . meta l4proto . th sport @linked tcp flags & ${notFirst} accept
    oifname . iifname . meta l4proto . th sport @linked meta l4proto != tcp accept
    iifname @opened drop
    oifname @opened drop
`;

/** For the tables of IP, which see such packets too where the kernel is told so (bridge-nf-call-iptables). */
export function linkedAddressSets(links: readonly FirewallLink[]): string {
  const elements = (family: string): string[] =>
    links.flatMap(({ from, to, ports }) =>
      from.addresses.flatMap((source) =>
        to.addresses
          .filter((target) => familyOf(target).ip === family && familyOf(source).ip === family)
          .flatMap((target) => ports.map((port) => `${source} . ${target} . ${port.protocol} . ${port.containerPort}`)),
      ),
    );
  return families
    .map(({ ip, suffix, address }) =>
      set(`linked${suffix}`, `${address} . ${address} . inet_proto . inet_service`, elements(ip)),
    )
    .join('');
}

/** What the chain for forwarded packets of IP accepts of them. */
export const linkedAddressForward = families
  .map(
    ({ ip, suffix }) =>
      `    iifname . oifname @hairpin ${ip} saddr . ${ip} daddr . meta l4proto . th dport @linked${suffix} accept\n`,
  )
  .join('');
