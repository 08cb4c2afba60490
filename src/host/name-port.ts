import { errnoOf } from '../base/errors.ts';
import { addressBytes } from '../formats/ip-address.ts';
import { expressions, getTable, makeOutputTable, packetFields, userDataOf } from './netlink/nft-rules.ts';
import { netlinkFamilies, openNetlink } from './netlink/socket.ts';

/** Where what is sent to port 53 of an address arrives, by protocol. */
export interface NamePorts {
  readonly udp: number;
  readonly tcp: number;
}

const table = 'tug-names';
const domainPort = 53;
/** Before connections are tracked: what is written here is all that tracking would ever see. */
const RAW = -300;
/** Protocol numbers, and where their headers hold the checksum. */
const protocols = { udp: { number: 17, sum: 6 }, tcp: { number: 6, sum: 16 } } as const;

/**
 * Leads port 53 of `ip`, an address on loopback, to other ports of it, in the network namespace of the calling
 * thread; the answers seem to come from port 53. So a server needs not be bound to port 53, which would keep the
 * container from binding it on all addresses. With `replace` it takes the place of what an earlier call did.
 *
 * Ports are rewritten packet by packet on the way out, and nothing is tracked: a translation by connection would
 * make the kernel keep an entry per question for half a minute, out of a number that the whole host shares, and
 * would have all other traffic of the namespace tracked. And when nobody has the port, the kernel's complaint names the
 * rewritten port, so that the client waits and asks again instead of giving up: an engine that restarts is not noticed.
 * @throws the system error; nothing was changed then.
 */
export function leadNamePort(ip: string, ports: NamePorts, { replace }: { replace: boolean }): void {
  const address = addressBytes(ip);
  const { protocol, match, notTracked, write } = expressions;
  const { sourceAddress, destinationAddress, sourcePort, destinationPort } = packetFields;
  const rules = (['udp', 'tcp'] as const).flatMap((name) => {
    const { number, sum } = protocols[name];
    const [asked, served] = [portBytes(domainPort), portBytes(ports[name])];
    return [
      [
        ...match(destinationAddress, address),
        ...protocol(number),
        ...match(destinationPort, asked),
        ...notTracked(),
        ...write(destinationPort, served, sum),
      ],
      [
        ...match(sourceAddress, address),
        ...protocol(number),
        ...match(sourcePort, served),
        ...notTracked(),
        ...write(sourcePort, asked, sum),
      ],
    ];
  });
  using netlink = openNetlink(netlinkFamilies.netfilter);
  const userData = Buffer.concat([portBytes(ports.udp), portBytes(ports.tcp)]);
  netlink.change(makeOutputTable({ table, chain: 'output', priority: RAW, rules, userData }, { replace }));
}

/**
 * Where port 53 leads to in the namespace of the calling thread since a call of `leadNamePort`, be it another engine's; undefined
 * where it leads nowhere else. `unknown` where there are rules of which that cannot be told.
 */
export function ledNamePort(): NamePorts | 'unknown' | undefined {
  using netlink = openNetlink(netlinkFamilies.netfilter);
  try {
    const [answer] = netlink.ask(getTable(table));
    const kept = answer && userDataOf(answer);
    return kept?.length === 4 ? { udp: kept.readUInt16BE(0), tcp: kept.readUInt16BE(2) } : 'unknown';
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const portBytes = (port: number): Buffer => Buffer.of(port >> 8, port & 255);
