import { textOfBytes } from '../formats/ip-address.ts';
import { attributes } from './netlink/message.ts';
import { listAddressesRequest, listRoutesRequest } from './netlink/route.ts';
import { type NetlinkSocket, netlinkFamilies, openNetlink } from './netlink/socket.ts';

const RTA_DST = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const ROUTE_HEADER = 12;
const ADDRESS_HEADER = 8;
const RTN_UNICAST = 1;

/**
 * The subnets this host has routes or addresses in, as `a.b.c.d/n` and `fd00::/n`, without the default routes, and of
 * IPv6 without what every link has (link-local, multicast).
 */
export function occupiedSubnets(): string[] {
  using netlink = openNetlink(netlinkFamilies.route);
  const found = new Set<string>();
  for (const family of [4, 6] as const) {
    for (const { payload } of netlink.ask(listRoutesRequest(family))) {
      const destination = attributes(payload, ROUTE_HEADER).get(RTA_DST);
      if (!destination || (family === 6 && (payload.readUInt8(7) !== RTN_UNICAST || isLocal(destination)))) continue;
      found.add(`${textOfBytes(destination)}/${payload.readUInt8(1)}`);
    }
    for (const { payload } of netlink.ask(listAddressesRequest(family))) {
      const address = attributes(payload, ADDRESS_HEADER).get(IFA_ADDRESS);
      if (address && !(family === 6 && isLocal(address))) found.add(`${textOfBytes(address)}/${payload.readUInt8(1)}`);
    }
  }
  return [...found];
}

/** Of fe80::/10 or ff00::/8. */
const isLocal = ([first = 0, second = 0]: Uint8Array): boolean =>
  first === 0xff || (first === 0xfe && (second & 0xc0) === 0x80);

/** The addresses of link number `index`, as `a.b.c.d/n` and `fd00::1/n`, link-local ones too. */
export function addressesOf(index: number): string[] {
  using netlink = openNetlink(netlinkFamilies.route);
  return [...addressesIn(netlink, 4, index), ...addressesIn(netlink, 6, index)];
}

function addressesIn(netlink: NetlinkSocket, family: 4 | 6, index: number): string[] {
  return netlink
    .ask(listAddressesRequest(family))
    .filter(({ payload }) => payload.readInt32LE(4) === index)
    .flatMap(({ payload }) => {
      const found = attributes(payload, ADDRESS_HEADER);
      const address = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
      return address ? [`${textOfBytes(address)}/${payload.readUInt8(1)}`] : [];
    });
}
