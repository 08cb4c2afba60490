import { internal } from '../base/errors.ts';
import { run } from '../base/process.ts';

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
 * One engine's nftables table: everything the engine does to packets. Each change is one `nft -f -`, which the
 * kernel applies wholly or not at all. A container without published ports changes nothing here: what every
 * container needs is said once per bridge, in sets.
 */
export interface Firewall {
  /** Replaces the table with one that says exactly this. Idempotent; established connections go on. */
  replace(bridges: readonly FirewallBridge[], ports: readonly FirewallPort[]): Promise<void>;
  /** @throws internal when the table is gone or a port is there already. */
  publish(ports: readonly FirewallPort[]): Promise<void>;
  /** @throws internal when one of them, or the table, is not there; nothing is removed then. */
  unpublish(ports: readonly FirewallPort[]): Promise<void>;
  /** Removes the table. Idempotent. */
  remove(): Promise<void>;
}

/** The firewall of the engine whose table is called `table` (a word that nft takes as an identifier). */
export function createFirewall(table: string): Firewall {
  const elements = (verb: 'add' | 'delete', ports: readonly FirewallPort[]): string =>
    ports.map((port) => `${verb} element ip ${table} ${elementOf(port)}\n`).join('');
  return {
    replace: (bridges, ports) =>
      nft(`add table ip ${table}\ndelete table ip ${table}\n${tableText(table, bridges)}${elements('add', ports)}`),
    publish: (ports) => nft(elements('add', ports)),
    unpublish: (ports) => nft(elements('delete', ports)),
    remove: () => nft(`add table ip ${table}\ndelete table ip ${table}\n`),
  };
}

/** Runs one nft script. @throws internal with nft's first complaint; nothing was changed then. */
export async function nft(script: string): Promise<void> {
  const { code, stderr } = await run('nft', ['-f', '-'], { input: script });
  if (code !== 0) throw internal(`nft: ${stderr.trim().split('\n')[0] ?? `exit status ${code}`}`);
}

function elementOf({ protocol, hostIp, hostPort, containerIp, containerPort }: FirewallPort): string {
  const target = `${containerIp} . ${containerPort}`;
  return hostIp === '0.0.0.0'
    ? `published { ${protocol} . ${hostPort} : ${target} }`
    : `published_on { ${hostIp} . ${protocol} . ${hostPort} : ${target} }`;
}

function set(name: string, type: string, values: readonly string[], flags = ''): string {
  const elements = values.length === 0 ? '' : `elements = { ${values.join(', ')} }`;
  return `  set ${name} { type ${type}; ${flags} ${elements} }\n`;
}

/**
 * The table. A packet that another table drops stays dropped whatever is accepted here; see firewall-foreign.ts.
 * - `guard`: route_localnet lets a bridge's packets reach 127.0.0.0/8, which only published ports may use.
 * - `postrouting`: containers leave with the host's address; a connection from the host's own loopback, or from
 *   a container to a port published by its own network, comes from the bridge's address so that replies return here.
 */
function tableText(table: string, bridges: readonly FirewallBridge[]): string {
  const names = bridges.map(({ name }) => `"${name}"`);
  const pairs = names.map((name) => `${name} . ${name}`);
  return `table ip ${table} {
${set('bridges', 'ifname', names)}${set(
  'subnets',
  'ipv4_addr',
  bridges.map(({ subnet }) => subnet),
  'flags interval;',
)}${set('hairpin', 'ifname . ifname', pairs)}${set(
  'talking',
  'ifname . ifname',
  pairs.filter((_, at) => bridges[at]?.talking),
)}
  map published { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map published_on { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
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
