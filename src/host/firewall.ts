import { internal } from '../base/errors.ts';
import { run } from '../base/process.ts';
import { forgetAnsweredBy, forgetSentTo } from './netlink/conntrack.ts';
import { elementChanges, fields, type SetElement } from './netlink/nftables.ts';
import { netlinkFamilies, openNetlink } from './netlink/socket.ts';

/** A bridge whose traffic the engine's table rules. */
export interface FirewallBridge {
  readonly name: string;
  /** `172.17.0.0/16` */
  readonly subnet: string;
  /** Whether containers on it may talk to each other (Docker's `icc`). */
  readonly talking: boolean;
}

export interface FirewallPort {
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** `0.0.0.0` for every address of the host. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly containerIp: string;
  readonly containerPort: number;
}

/**
 * One engine's nftables table: everything the engine does to packets. It is written whole by one `nft -f -`.
 * Publishing only changes elements of its maps, by one netlink transaction: 0.2 ms where a process of nft takes
 * 3 ms to add and 15 to remove, since the kernel has it wait for its readers. Either way a change happens wholly
 * or not at all. A container without published ports changes nothing here: what every container needs is said
 * once per bridge, in sets.
 */
export interface Firewall extends Disposable {
  /** Replaces the table with one that says exactly this. Idempotent; established connections go on. */
  replace(bridges: readonly FirewallBridge[], ports: readonly FirewallPort[]): Promise<void>;
  /** @throws ENOENT when the table is gone, EBUSY when a port leads elsewhere already. */
  publish(ports: readonly FirewallPort[]): void;
  /** Takes back all ports of the containers concerned. @throws ENOENT when one of them, or the table, is not there; nothing is removed then. */
  unpublish(ports: readonly FirewallPort[]): void;
  /** Goes from the ports `before` of a container to those `after`, in one transaction. @throws as `publish` and `unpublish`. */
  replacePorts(before: readonly FirewallPort[], after: readonly FirewallPort[]): void;
  /** Removes the table. Idempotent. */
  remove(): Promise<void>;
}

/** The firewall of the engine whose table is called `table` (a word that nft takes as an identifier). */
export function createFirewall(table: string): Firewall {
  const netlink = openNetlink(netlinkFamilies.netfilter);
  return {
    async replace(bridges, ports) {
      await nft(`add table ip ${table}\ndelete table ip ${table}\n${tableText(table, bridges, ports)}`);
    },
    publish(ports) {
      netlink.change(elementChanges(table, elementsOf(ports), []));
      // A tracked UDP flow keeps the way it has, which is none or a former container's, as long as its sender goes on.
      netlink.change(ports.filter(({ protocol }) => protocol === 'udp').map(forgetConnectionsTo));
    },
    unpublish(ports) {
      netlink.change(elementChanges(table, [], elementsOf(ports)));
      netlink.change([...new Set(ports.map(({ containerIp }) => containerIp))].map(forgetAnsweredBy));
    },
    replacePorts(before, after) {
      const [added, removed] = [without(after, before), without(before, after)];
      const [old, now] = [elementsOf(before), elementsOf(after)];
      netlink.change(elementChanges(table, without(now, old), without(old, now)));
      netlink.change([...removed, ...added.filter(({ protocol }) => protocol === 'udp')].map(forgetConnectionsTo));
    },
    remove: () => nft(`add table ip ${table}\ndelete table ip ${table}\n`),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

/** Runs one nft script. @throws internal with nft's first complaint; nothing was changed then. */
export async function nft(script: string): Promise<void> {
  const { code, stderr } = await run('nft', ['-f', '-'], { input: script });
  if (code !== 0) throw internal(`nft: ${stderr.trim().split('\n')[0] ?? `exit status ${code}`}`);
}

const protocolNumbers = { tcp: 6, udp: 17, sctp: 132 } as const;

const forgetConnectionsTo = ({ protocol, hostPort, hostIp }: FirewallPort) =>
  forgetSentTo(protocolNumbers[protocol], hostPort, hostIp === '0.0.0.0' ? undefined : hostIp);

/** What of `list` has no equal in `others`. */
function without<T>(list: readonly T[], others: readonly T[]): T[] {
  const known = new Set(others.map((other) => JSON.stringify(other)));
  return list.filter((one) => !known.has(JSON.stringify(one)));
}

/** A port as an element of its map, and each container once in `own`. */
function elementsOf(ports: readonly FirewallPort[]): SetElement[] {
  const { address, port, protocol } = fields;
  const own = [...new Set(ports.map(({ containerIp }) => containerIp))];
  return [
    ...ports.map((wish) => {
      const key = [protocol(protocolNumbers[wish.protocol]), port(wish.hostPort)];
      const data = [address(wish.containerIp), port(wish.containerPort)];
      return wish.hostIp === '0.0.0.0'
        ? { set: 'published', key, data }
        : { set: 'published_on', key: [address(wish.hostIp), ...key], data };
    }),
    ...own.map((ip) => ({ set: 'own', key: [address(ip), address(ip)] })),
  ];
}

function set(kind: 'set' | 'map', name: string, type: string, values: readonly string[]): string {
  const elements = values.length === 0 ? '' : `elements = { ${values.join(', ')} }`;
  return `  ${kind} ${name} { type ${type}; ${elements} }\n`;
}

function portSets(ports: readonly FirewallPort[]): string {
  const anywhere = ports.filter(({ hostIp }) => hostIp === '0.0.0.0');
  const somewhere = ports.filter(({ hostIp }) => hostIp !== '0.0.0.0');
  const element = (port: FirewallPort): string =>
    `${port.protocol} . ${port.hostPort} : ${port.containerIp} . ${port.containerPort}`;
  const own = [...new Set(ports.map(({ containerIp }) => `${containerIp} . ${containerIp}`))];
  return [
    set('map', 'published', 'inet_proto . inet_service : ipv4_addr . inet_service', anywhere.map(element)),
    set(
      'map',
      'published_on',
      'ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service',
      somewhere.map((port) => `${port.hostIp} . ${element(port)}`),
    ),
    set('set', 'own', 'ipv4_addr . ipv4_addr', own),
  ].join('');
}

function bridgeSets(bridges: readonly FirewallBridge[]): string {
  const pair = ({ name }: FirewallBridge): string => `"${name}" . "${name}"`;
  return [
    set(
      'set',
      'bridges',
      'ifname',
      bridges.map(({ name }) => `"${name}"`),
    ),
    set(
      'set',
      'subnets',
      'ipv4_addr; flags interval',
      bridges.map(({ subnet }) => subnet),
    ),
    set('set', 'hairpin', 'ifname . ifname', bridges.map(pair)),
    set('set', 'talking', 'ifname . ifname', bridges.filter(({ talking }) => talking).map(pair)),
  ].join('');
}

/**
 * The table. A packet that another table drops stays dropped whatever is accepted here; see firewall-foreign.ts.
 * - `guard`: route_localnet lets a bridge's packets reach 127.0.0.0/8, which only published ports may use.
 * - `postrouting`: containers leave with the host's address. A connection from the host's own loopback, from a
 *   container to a port of its own network, or to its own port, comes from the bridge's address, so that replies
 *   return here. (Where bridge-nf-call-iptables is set, a peer keeps its address: the bridge itself translates.)
 */
function tableText(table: string, bridges: readonly FirewallBridge[], ports: readonly FirewallPort[]): string {
  return `table ip ${table} {
${bridgeSets(bridges)}${portSets(ports)}
  chain guard {
    type filter hook prerouting priority raw; policy accept;
    iifname @bridges ip daddr 127.0.0.0/8 drop
    iifname @bridges ip saddr 127.0.0.0/8 drop
  }
  chain publish {
    dnat ip to ip daddr . meta l4proto . th dport map @published_on
    dnat ip to meta l4proto . th dport map @published
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local meta l4proto { tcp, udp, sctp } jump publish
  }
  chain output {
    type nat hook output priority -100; policy accept;
    fib daddr type local meta l4proto { tcp, udp, sctp } jump publish
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr @subnets oifname != @bridges masquerade
    ip saddr 127.0.0.0/8 oifname @bridges masquerade
    iifname . oifname @hairpin ct status dnat masquerade
    ip saddr . ip daddr @own oifname @bridges ct status dnat masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname != @bridges oifname != @bridges accept
    ct state established,related accept
    iifname . oifname @talking accept
    oifname @bridges ct status dnat accept
    oifname @bridges drop
  }
}
`;
}
