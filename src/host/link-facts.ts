import { writeFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { attributes, textOf } from './netlink/message.ts';
import * as route from './netlink/route.ts';
import type { NetlinkSocket } from './netlink/socket.ts';

// What the links of the host and those of a sandbox have in common.

export interface LinkFacts {
  readonly name: string;
  readonly index: number;
  /** `veth`, `bridge`, ..., or empty for a device. */
  readonly kind: string;
  /** Index of the bridge it is a port of, or 0. */
  readonly master: number;
  /** The text that was written on it, or empty. */
  readonly alias: string;
}

export interface LinkAddress {
  readonly ip: string;
  readonly prefix: number;
  /** Of IPv4 only. */
  readonly broadcast?: string | undefined;
}

export function removeLink(netlink: NetlinkSocket, name: string): boolean {
  try {
    netlink.change([route.deleteLink(name)]);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return false;
    throw error;
  }
}

/**
 * Turns IPv6 on for a link of this namespace. Addresses are usable at once: looking for another owner of them would
 * take a second. @throws ENOENT where the kernel has no IPv6.
 */
export function enableIpv6(link: string): void {
  writeFileSync(`/proc/sys/net/ipv6/conf/${link}/accept_dad`, '0');
  writeFileSync(`/proc/sys/net/ipv6/conf/${link}/disable_ipv6`, '0');
}

/** Keeps the kernel from giving a link an address of IPv6 of its own. Nothing where it has no IPv6. */
export function withoutLinkLocal(netlink: NetlinkSocket, name: string): void {
  try {
    netlink.change([route.withoutLinkLocal(name)]);
  } catch (error) {
    if (!['EAFNOSUPPORT', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
  }
}

export function findIn(netlink: NetlinkSocket, name: string): LinkFacts | undefined {
  try {
    return mustFind(netlink, name);
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return undefined;
    throw error;
  }
}

export function mustFind(netlink: NetlinkSocket, name: string): LinkFacts {
  const [reply] = netlink.ask(route.getLink(name));
  if (!reply) throw new Error(`netlink: no answer about link ${name}`);
  return linkFacts(reply.payload);
}

export function linkFacts(payload: Buffer): LinkFacts {
  const found = attributes(payload, route.linkHeaderBytes);
  const info = attributes(found.get(route.linkAttributes.linkInfo) ?? Buffer.alloc(0));
  return {
    index: payload.readInt32LE(4),
    name: textOf(found.get(route.linkAttributes.name)),
    alias: textOf(found.get(route.linkAttributes.alias)),
    master: found.get(route.linkAttributes.master)?.readInt32LE(0) ?? 0,
    kind: textOf(info.get(route.linkInfoKind)),
  };
}
