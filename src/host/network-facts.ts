import { attributes } from './netlink/message.ts';
import { listAddressesRequest, listRoutesRequest } from './netlink/route.ts';
import { netlinkFamilies, openNetlink } from './netlink/socket.ts';

const RTA_DST = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const ROUTE_HEADER = 12;
const ADDRESS_HEADER = 8;

/** The IPv4 subnets this host has routes or addresses in, as `a.b.c.d/n`, without the default route. */
export function occupiedSubnets(): string[] {
  using netlink = openNetlink(netlinkFamilies.route);
  const found = new Set<string>();
  for (const { payload } of netlink.ask(listRoutesRequest)) {
    const destination = attributes(payload, ROUTE_HEADER).get(RTA_DST);
    if (destination) found.add(`${destination.join('.')}/${payload.readUInt8(1)}`);
  }
  for (const { payload } of netlink.ask(listAddressesRequest)) {
    const address = attributes(payload, ADDRESS_HEADER).get(IFA_ADDRESS);
    if (address) found.add(`${address.join('.')}/${payload.readUInt8(1)}`);
  }
  return [...found];
}

/** The IPv4 addresses of link number `index`, as `a.b.c.d/n`. */
export function addressesOf(index: number): string[] {
  using netlink = openNetlink(netlinkFamilies.route);
  return netlink
    .ask(listAddressesRequest)
    .filter(({ payload }) => payload.readInt32LE(4) === index)
    .map(({ payload }) => `${attributes(payload, ADDRESS_HEADER).get(IFA_LOCAL)?.join('.')}/${payload.readUInt8(1)}`);
}
