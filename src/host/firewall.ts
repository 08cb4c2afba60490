import { errnoOf, internal, unsupported } from '../base/errors.ts';
import { run } from '../base/process.ts';
import { bridgeTableText } from './firewall-bridge.ts';
import { type FirewallPort, familyOf, isAnywhere, isRouted, portElements, protocolNumbers } from './firewall-ports.ts';
import { type FirewallContents, tableText } from './firewall-table.ts';
import { connectionsRequest, forgetAnsweredBy, forgetSentTo, portSentTo } from './netlink/conntrack.ts';
import { familyNumbers, getTable } from './netlink/nft-rules.ts';
import { elementChanges, generationOf, generationRequest, type SetElement } from './netlink/nftables.ts';
import { type NetlinkSocket, netlinkFamilies, openNetlink } from './netlink/socket.ts';

/**
 * One engine's nftables tables, of IP and, where something is ruled between the ports of one bridge, of bridges:
 * everything the engine does to packets. They are written whole by one `nft -f -`, in one transaction.
 * Publishing only changes elements of its maps, by one netlink transaction: 0.2 ms where a process of nft takes
 * 3 ms to add and 15 to remove, since the kernel has it wait for its readers. Either way a change happens wholly
 * or not at all. A container without published ports changes nothing here: what every container needs is said
 * once per bridge, in sets.
 */
export interface Firewall extends Disposable {
  /** Replaces the tables with ones that say exactly this. Idempotent; established connections go on. @throws unsupported where the kernel has no rules for bridges and they are needed. */
  replace(contents: FirewallContents): Promise<void>;
  /** @throws ENOENT when the table is gone, EBUSY when a port leads elsewhere already. */
  publish(ports: readonly FirewallPort[]): void;
  /** Takes back all ports of the containers concerned. @throws ENOENT when one of them, or the table, is not there; nothing is removed then. */
  unpublish(ports: readonly FirewallPort[]): void;
  /** Goes from the ports `before` of a container to those `after`, in one transaction. @throws as `publish` and `unpublish`. */
  replacePorts(before: readonly FirewallPort[], after: readonly FirewallPort[]): void;
  /** The number of the last change to the rules of this host, whoever made it. */
  generation(): number;
  /** Removes the tables. Idempotent. */
  remove(): Promise<void>;
}

/** The firewall of the engine whose table is called `table` (a word that nft takes as an identifier). */
export function createFirewall(table: string): Firewall {
  const netlink = openNetlink(netlinkFamilies.netfilter);
  const removal = (): string =>
    (hasTable(netlink, table, 'bridge') ? ['inet', 'bridge'] : ['inet'])
      .map((family) => `add table ${family} ${table}\ndelete table ${family} ${table}\n`)
      .join('');
  return {
    async replace(contents) {
      const within = bridgeTableText(table, contents);
      try {
        await nft(`${removal()}${tableText(table, contents)}${within}`);
      } catch (error) {
        if (within === '' || (await hasBridgeRules())) throw error;
        throw unsupported(
          "what passes between containers of one network cannot be ruled: this kernel lacks nftables' bridge family (CONFIG_NF_TABLES_BRIDGE), which --egress needs, and --link with icc off",
          { cause: error },
        );
      }
    },
    publish(ports) {
      netlink.change(elementChanges(table, elementsOf(ports), []));
      // A tracked UDP flow keeps the way it has, which is none or a former container's, as long as its sender goes on.
      forgetFlowsTo(netlink, ports);
    },
    unpublish(ports) {
      netlink.change(elementChanges(table, [], elementsOf(ports)));
      netlink.change([...new Set(ports.map(({ containerIp }) => containerIp))].map(forgetAnsweredBy));
    },
    replacePorts(before, after) {
      const [added, removed] = [without(after, before), without(before, after)];
      const [old, now] = [elementsOf(before), elementsOf(after)];
      netlink.change(elementChanges(table, without(now, old), without(old, now)));
      netlink.change(removed.filter((port) => !isRouted(port)).map(forgetConnectionsTo));
      forgetFlowsTo(netlink, added);
    },
    generation: () => netlink.ask(generationRequest).map(({ payload }) => generationOf(payload))[0] ?? 0,
    remove: () => nft(removal()),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

function hasTable(netlink: NetlinkSocket, table: string, family: keyof typeof familyNumbers): boolean {
  try {
    return netlink.ask(getTable(table, familyNumbers[family])).length > 0;
  } catch (error) {
    if (['ENOENT', 'EAFNOSUPPORT', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
}

/** Whether the kernel takes rules for what bridges forward. Changes nothing. */
async function hasBridgeRules(): Promise<boolean> {
  const attempt = 'table bridge tug-try { chain forward { type filter hook forward priority filter; } }\n';
  return (await run('nft', ['-c', '-f', '-'], { input: attempt })).code === 0;
}

/** Runs one nft script. @throws internal with nft's first complaint; nothing was changed then. */
export async function nft(script: string): Promise<void> {
  const { code, stderr } = await run('nft', ['-f', '-'], { input: script });
  if (code !== 0) throw internal(`nft: ${stderr.trim().split('\n')[0] ?? `exit status ${code}`}`);
}

const elementsOf = (ports: readonly FirewallPort[]): SetElement[] => portElements(ports).map(({ bytes }) => bytes);

const forgetConnectionsTo = (port: FirewallPort) =>
  forgetSentTo(protocolNumbers[port.protocol], port.hostPort, port.hostIp, isAnywhere(port));

/** Forgets the UDP flows to these ports. The kernel looks at all its connections for each request, so those there are come first. */
function forgetFlowsTo(netlink: NetlinkSocket, ports: readonly FirewallPort[]): void {
  const udp = ports.filter((port) => port.protocol === 'udp' && !isRouted(port));
  for (const [family, own] of Map.groupBy(udp, ({ hostIp }) => familyOf(hostIp))) {
    const flows = netlink.ask(connectionsRequest(protocolNumbers.udp, family.any));
    const sentTo = new Set(flows.map(({ payload }) => portSentTo(payload)));
    netlink.change(own.filter(({ hostPort }) => sentTo.has(hostPort)).map(forgetConnectionsTo));
  }
}

/** What of `list` has no equal in `others`. */
function without<T>(list: readonly T[], others: readonly T[]): T[] {
  const known = new Set(others.map((other) => JSON.stringify(other)));
  return list.filter((one) => !known.has(JSON.stringify(one)));
}
