import { addressBytes } from '../../formats/ip-address.ts';
import { attribute, type Message, nested, requestFlags } from './message.ts';
import type { LabelledMessage } from './socket.ts';

/** Requests of rtnetlink(7): links, addresses, routes. Pure; the numbers are those of linux/rtnetlink.h and linux/if_link.h. */
const RTM = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddr: 20,
  getAddr: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
} as const;
const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 1;
const IFLA = {
  ...{ address: 1, name: 3, mtu: 4, link: 5, master: 10 },
  ...{ linkInfo: 18, alias: 20, afSpec: 26, netNsFd: 28 },
} as const;
const IFLA_INFO = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const;
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const IFLA_BRPORT = { hairpin: 4, isolated: 33 } as const;
const VETH_INFO_PEER = 1;
const IFA = { address: 1, local: 2, broadcast: 4 } as const;
/** The kernel need not look whether another has the address: nobody on a bridge can. */
const IFA_F_NODAD = 2;
const RTA = { gateway: 5, oif: 4 } as const;
const RT_SCOPE = { universe: 0, link: 253, any: 255 } as const;
const { create, exclusive, replace, dump } = requestFlags;

/** struct ifinfomsg: family, type, index, flags, change mask. */
export function linkHeader(index: number, up: boolean): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(up ? IFF_UP : 0, 8);
  header.writeUInt32LE(up ? IFF_UP : 0, 12);
  return header;
}

export const linkKind = (kind: string, ...data: Buffer[]): Buffer =>
  nested(IFLA.linkInfo, attribute(IFLA_INFO.kind, kind), ...(data.length > 0 ? [nested(IFLA_INFO.data, ...data)] : []));

export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
const familyOf = (ip: string): number => (ip.includes(':') ? AF_INET6 : AF_INET);

/** What a reader of link replies needs: the fixed part's length and attribute numbers. */
export const linkHeaderBytes = 16;
export const linkAttributes = IFLA;
export const linkInfoKind = IFLA_INFO.kind;
/** The type of requests that make or change links. */
export const newLink = RTM.newLink;

export interface BridgeLink {
  readonly name: string;
  readonly mac: string;
  readonly mtu: number;
}

/** A bridge, down. EEXIST when a link of that name is there. */
export function addBridge(link: BridgeLink): LabelledMessage {
  return {
    label: `add bridge ${link.name}`,
    type: RTM.newLink,
    flags: create | exclusive,
    payload: Buffer.concat([
      linkHeader(0, false),
      attribute(IFLA.name, link.name),
      attribute(IFLA.address, macBytes(link.mac)),
      attribute(IFLA.mtu, link.mtu),
      linkKind('bridge'),
    ]),
  };
}

export interface VethLink {
  readonly name: string;
  /** Interface index of the bridge that takes this end. */
  readonly master: number;
  readonly mtu: number;
  readonly peer: { readonly name: string; readonly mac: string; readonly namespaceFd: number };
}

/**
 * A pair of links: one end up and a port of a bridge here, the other in another namespace and down, since the
 * kernel refuses to bring a peer up in this request. All of it or nothing.
 */
export function addVeth(link: VethLink): LabelledMessage {
  const peer = Buffer.concat([
    linkHeader(0, false),
    attribute(IFLA.name, link.peer.name),
    attribute(IFLA.address, macBytes(link.peer.mac)),
    attribute(IFLA.mtu, link.mtu),
    attribute(IFLA.netNsFd, link.peer.namespaceFd),
  ]);
  return {
    label: `add link ${link.name}`,
    type: RTM.newLink,
    flags: create | exclusive,
    payload: Buffer.concat([
      linkHeader(0, true),
      attribute(IFLA.name, link.name),
      attribute(IFLA.mtu, link.mtu),
      attribute(IFLA.master, link.master),
      linkKind('veth', attribute(VETH_INFO_PEER, peer)),
    ]),
  };
}

/** No link-local IPv6 address for a link that has no business with IPv6. Refused within the request that makes the link. */
export function withoutLinkLocal(name: string): LabelledMessage {
  const mode = attribute(IFLA_INET6_ADDR_GEN_MODE, Buffer.from([IN6_ADDR_GEN_MODE_NONE]));
  return {
    label: `set link ${name} addrgenmode none`,
    type: RTM.newLink,
    flags: 0,
    payload: Buffer.concat([
      linkHeader(0, false),
      attribute(IFLA.name, name),
      nested(IFLA.afSpec, nested(AF_INET6, mode)),
    ]),
  };
}

/** Brings a link up. */
export function setUp(index: number): LabelledMessage {
  return { label: `set link ${index} up`, type: RTM.newLink, flags: 0, payload: linkHeader(index, true) };
}

/** Writes a text on a link that `ip link` shows and the kernel does not read. */
export function setAlias(index: number, alias: string): LabelledMessage {
  return {
    label: `set link ${index} alias`,
    type: RTM.newLink,
    flags: 0,
    payload: Buffer.concat([linkHeader(index, false), attribute(IFLA.alias, alias)]),
  };
}

/** Makes a link a port of a bridge. */
export function setMaster(index: number, master: number): LabelledMessage {
  return {
    label: `set link ${index} master ${master}`,
    type: RTM.newLink,
    flags: 0,
    payload: Buffer.concat([linkHeader(index, false), attribute(IFLA.master, master)]),
  };
}

/**
 * Options of a bridge's port. `hairpin`: a frame may leave by the port it came in by. `isolated`: it exchanges
 * frames with the bridge and its other ports, but not with isolated ones.
 */
export function setPortOption(index: number, option: keyof typeof IFLA_BRPORT, on = true): LabelledMessage {
  return {
    label: `set port ${index} ${option}`,
    type: RTM.newLink,
    flags: 0,
    payload: Buffer.concat([
      linkHeader(index, false),
      nested(
        IFLA.linkInfo,
        attribute(IFLA_INFO.slaveKind, Buffer.from('bridge')),
        nested(IFLA_INFO.slaveData, attribute(IFLA_BRPORT[option], Buffer.from([on ? 1 : 0]))),
      ),
    ]),
  };
}

/** Removes a link (the other end of a veth goes with it). ENODEV when it is not there. */
export function deleteLink(name: string): LabelledMessage {
  return {
    label: `delete link ${name}`,
    type: RTM.delLink,
    flags: 0,
    payload: Buffer.concat([linkHeader(0, false), attribute(IFLA.name, name)]),
  };
}

/** An address of a link. `broadcast` is left out when undefined. One of IPv6 is usable at once. */
export function addAddress(index: number, ip: string, prefix: number, broadcast?: string): LabelledMessage {
  const header = Buffer.alloc(8);
  header.writeUInt8(familyOf(ip), 0);
  header.writeUInt8(prefix, 1);
  header.writeUInt8(familyOf(ip) === AF_INET6 ? IFA_F_NODAD : 0, 2);
  header.writeUInt32LE(index, 4);
  return {
    label: `add address ${ip}/${prefix}`,
    type: RTM.newAddr,
    flags: create | exclusive,
    payload: Buffer.concat([
      header,
      attribute(IFA.local, addressBytes(ip)),
      attribute(IFA.address, addressBytes(ip)),
      ...(broadcast === undefined ? [] : [attribute(IFA.broadcast, addressBytes(broadcast))]),
    ]),
  };
}

/** struct rtmsg with table main, protocol boot, type unicast. */
const defaultRoute = (family: number, scope: number = RT_SCOPE.universe): Buffer =>
  Buffer.from([family, 0, 0, 0, 254, 3, scope, 1, 0, 0, 0, 0]);

/** The default route of a family, in place of the one there is: by a gateway, or by the link alone without one. */
export function setDefaultRoute(index: number, family: 4 | 6, gateway: string | undefined): LabelledMessage {
  const number = family === 4 ? AF_INET : AF_INET6;
  return {
    label: `set default route by ${gateway ?? `link ${index}`}`,
    type: RTM.newRoute,
    flags: create | replace,
    payload: Buffer.concat([
      defaultRoute(number, gateway === undefined ? RT_SCOPE.link : RT_SCOPE.universe),
      ...(gateway === undefined ? [] : [attribute(RTA.gateway, addressBytes(gateway))]),
      attribute(RTA.oif, index),
    ]),
  };
}

/** Takes the default route of a family away. ESRCH when there is none. */
export function deleteDefaultRoute(family: 4 | 6): LabelledMessage {
  return {
    label: `delete default route of IPv${family}`,
    type: RTM.delRoute,
    flags: 0,
    payload: defaultRoute(family === 4 ? AF_INET : AF_INET6, RT_SCOPE.any),
  };
}

/** One link by its name; ENODEV when it is not there. */
export function getLink(name: string): Message {
  return {
    type: RTM.getLink,
    flags: 0,
    payload: Buffer.concat([linkHeader(0, false), attribute(IFLA.name, name)]),
  };
}

export const listLinksRequest: Message = { type: RTM.getLink, flags: dump, payload: linkHeader(0, false) };
export const listAddressesRequest = (family: 4 | 6): Message => ({
  type: RTM.getAddr,
  flags: dump,
  payload: Buffer.from([family === 4 ? AF_INET : AF_INET6, 0, 0, 0, 0, 0, 0, 0]),
});
export const listRoutesRequest = (family: 4 | 6): Message => ({
  type: RTM.getRoute,
  flags: dump,
  payload: Buffer.from([family === 4 ? AF_INET : AF_INET6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
});
