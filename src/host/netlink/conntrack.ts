import { isIPv6 } from 'node:net';
import { attribute, attributes, type Message, nested, requestFlags } from './message.ts';
import { fields } from './nftables.ts';
import type { LabelledMessage } from './socket.ts';

/**
 * Forgetting connections the kernel tracks, by a filter that it applies itself (Linux 5.8 and later). Pure; the
 * numbers are those of linux/netfilter/nfnetlink_conntrack.h.
 */
const IPCTNL_MSG_CT_GET = (1 << 8) | 1;
const IPCTNL_MSG_CT_DELETE = (1 << 8) | 2;
const GENERIC_BYTES = 4;
const AF_INET = 2;
const AF_INET6 = 10;
const CTA = { original: 1, reply: 2, filter: 25 } as const;
const CTA_TUPLE = { ip: 1, protocol: 2 } as const;
const CTA_IP = { source: 1, destination: 2, source6: 3, destination6: 4 } as const;
const CTA_PROTO = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const CTA_FILTER = { original: 1, reply: 2 } as const;
const CTA_FILTER_F = { source: 1, destination: 2, protocol: 8, destinationPort: 32 } as const;

/** Forgets connections that are answered from `ip`, such as those that were led to a container. */
export function forgetAnsweredBy(ip: string): LabelledMessage {
  const source = isIPv6(ip) ? CTA_IP.source6 : CTA_IP.source;
  return forget(
    `forget connections answered by ${ip}`,
    ip,
    nested(CTA.filter, attribute(CTA_FILTER.reply, CTA_FILTER_F.source)),
    nested(CTA.reply, nested(CTA_TUPLE.ip, attribute(source, fields.address(ip)))),
  );
}

/** Forgets connections of a protocol (by number) to `port` of the host's address `ip`, or, `anywhere`, of all in its family. */
export function forgetSentTo(protocol: number, port: number, ip: string, anywhere: boolean): LabelledMessage {
  const flags = CTA_FILTER_F.protocol | CTA_FILTER_F.destinationPort | (anywhere ? 0 : CTA_FILTER_F.destination);
  const destination = isIPv6(ip) ? CTA_IP.destination6 : CTA_IP.destination;
  const address = anywhere ? [] : [nested(CTA_TUPLE.ip, attribute(destination, fields.address(ip)))];
  const ports = nested(
    CTA_TUPLE.protocol,
    attribute(CTA_PROTO.number, fields.protocol(protocol)),
    attribute(CTA_PROTO.destinationPort, fields.port(port)),
  );
  return forget(
    `forget connections to port ${port}`,
    ip,
    nested(CTA.filter, attribute(CTA_FILTER.original, flags)),
    nested(CTA.original, ...address, ports),
  );
}

/** Asks for the tracked connections of a protocol (by number) in the family of `ip`. */
export const connectionsRequest = (protocol: number, ip: string): Message => ({
  type: IPCTNL_MSG_CT_GET,
  flags: requestFlags.dump,
  payload: Buffer.concat([
    Buffer.from([isIPv6(ip) ? AF_INET6 : AF_INET, 0, 0, 0]),
    nested(CTA.filter, attribute(CTA_FILTER.original, CTA_FILTER_F.protocol)),
    nested(CTA.original, nested(CTA_TUPLE.protocol, attribute(CTA_PROTO.number, fields.protocol(protocol)))),
  ]),
});

/** The port that a connection was sent to, of an answer to `connectionsRequest`. */
export function portSentTo(payload: Buffer): number | undefined {
  const original = attributes(payload, GENERIC_BYTES).get(CTA.original);
  const protocol = original && attributes(original).get(CTA_TUPLE.protocol);
  return protocol && attributes(protocol).get(CTA_PROTO.destinationPort)?.readUInt16BE(0);
}

const forget = (label: string, ip: string, ...attributes: Buffer[]): LabelledMessage => ({
  label,
  type: IPCTNL_MSG_CT_DELETE,
  flags: 0,
  payload: Buffer.concat([Buffer.from([isIPv6(ip) ? AF_INET6 : AF_INET, 0, 0, 0]), ...attributes]),
});
