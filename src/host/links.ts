import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { createNetworkNamespace, insideNetworkNamespace } from './namespaces.ts';
import { attributes, textOf } from './netlink/message.ts';
import * as route from './netlink/route.ts';
import { type NetlinkSocket, netlinkFamilies, openNetlink } from './netlink/socket.ts';
import { addSublink, type SublinkKind } from './netlink/sublink.ts';

/**
 * Links of the network namespace the engine runs in. Every call is one netlink exchange, carried out when it
 * returns. `ip -batch` would cost a process (5 ms) where this costs 0.7 ms, and a container's start waits for it.
 */
export interface Links extends Disposable {
  /** A link's facts, or undefined when there is no such link. */
  find(name: string): LinkFacts | undefined;
  list(): LinkFacts[];
  /** A bridge with its address, up. @throws EEXIST; nothing is left when it throws. */
  addBridge(bridge: BridgeRequest): void;
  /** A veth pair, this end up and a port of `bridge`, the other end inside `sandbox`. @throws ENODEV without the bridge. */
  addPort(port: PortRequest, sandbox: SandboxLinks): void;
  /** A link on another one, or on none, here or inside `sandbox`, with an alias or without; down in a sandbox. @throws ENODEV without the parent; EOPNOTSUPP, EBUSY as `route.addSublink`. */
  addSublink(sublink: SublinkRequest, sandbox?: SandboxLinks): void;
  /** Makes an existing link a port of a bridge. */
  joinBridge(port: { name: string; bridge: string; isolated: boolean }): void;
  /** Whether a bridge's port may talk to isolated ones. @throws ENODEV. */
  setIsolated(name: string, isolated: boolean): void;
  /** Lets frames leave a bridge by the port they came in by. @throws ENODEV. */
  setHairpin(name: string): void;
  /** Removes a link. Returns false when it was not there. Takes 20 ms and more: the kernel waits for its readers. */
  remove(name: string): boolean;
}

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

export interface BridgeRequest extends route.BridgeLink {
  /** Written on the link, so that its maker knows it again. */
  readonly alias: string;
  readonly addresses: readonly LinkAddress[];
  /** Whether it has link-local addresses of IPv6 too. */
  readonly ipv6: boolean;
}

export interface LinkAddress {
  readonly ip: string;
  readonly prefix: number;
  /** Of IPv4 only. */
  readonly broadcast?: string | undefined;
}

export interface PortRequest {
  readonly name: string;
  readonly bridge: string;
  /** Whether it may only talk to ports that are not isolated, and the bridge itself. */
  readonly isolated: boolean;
  readonly mtu: number;
  readonly peerName: string;
  readonly peerMac: string;
}

export interface SublinkRequest {
  readonly name: string;
  readonly parent?: string;
  readonly does: SublinkKind;
  readonly mac?: string;
  /** Written on the link, which is then brought up. */
  readonly alias?: string;
}

/** Opens the engine's own side. Dispose closes the socket and changes nothing else. */
export function openLinks(): Links {
  const netlink = openNetlink(netlinkFamilies.route);
  const find = (name: string): LinkFacts | undefined => findIn(netlink, name);
  return {
    find,
    list: () => netlink.ask(route.listLinksRequest).map((reply) => linkFacts(reply.payload)),
    addBridge({ addresses, alias, ipv6, ...bridge }) {
      netlink.change([route.addBridge(bridge)]);
      try {
        const index = mustFind(netlink, bridge.name).index;
        if (ipv6) enableIpv6(bridge.name);
        netlink.change([
          route.setAlias(index, alias),
          ...(ipv6 ? [] : [route.withoutLinkLocal(index)]),
          route.setUp(index),
          ...addresses.map((one) => route.addAddress(index, one.ip, one.prefix, one.broadcast)),
        ]);
      } catch (error) {
        netlink.change([route.deleteLink(bridge.name)]);
        throw error;
      }
    },
    addPort({ name, bridge, isolated, mtu, peerName, peerMac }, sandbox) {
      const master = mustFind(netlink, bridge).index;
      netlink.change([
        route.addVeth({
          name,
          master,
          mtu,
          peer: { name: peerName, mac: peerMac, namespaceFd: sandbox.namespaceFd },
        }),
      ]);
      if (isolated) netlink.change([route.setPortOption(mustFind(netlink, name).index, 'isolated')]);
    },
    addSublink({ name, parent, does, mac, alias }, sandbox) {
      const index = parent === undefined ? undefined : mustFind(netlink, parent).index;
      netlink.change([addSublink({ name, parent: index, does, mac, namespaceFd: sandbox?.namespaceFd })]);
      if (alias === undefined) return;
      const made = mustFind(netlink, name).index;
      netlink.change([route.setAlias(made, alias), route.setUp(made)]);
    },
    joinBridge({ name, bridge, isolated }) {
      const { index } = mustFind(netlink, name);
      const master = mustFind(netlink, bridge).index;
      netlink.change([
        route.setMaster(index, master),
        route.setUp(index),
        ...(isolated ? [route.setPortOption(index, 'isolated')] : []),
      ]);
    },
    setIsolated: (name, isolated) =>
      netlink.change([route.setPortOption(mustFind(netlink, name).index, 'isolated', isolated)]),
    setHairpin: (name) => netlink.change([route.setPortOption(mustFind(netlink, name).index, 'hairpin')]),
    remove: (name) => removeLink(netlink, name),
    [Symbol.dispose]: () => netlink[Symbol.dispose](),
  };
}

function removeLink(netlink: NetlinkSocket, name: string): boolean {
  try {
    netlink.change([route.deleteLink(name)]);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return false;
    throw error;
  }
}

/** A handle on a sandbox's namespace. Hold it only while connecting: it keeps the namespace alive. */
export interface SandboxLinks extends Disposable {
  /** For setns(2) and for moving links in. */
  readonly namespaceFd: number;
  /** Gives a link its addresses and brings it up. One of IPv6 turns IPv6 on for it. */
  configure(link: string, addresses: readonly LinkAddress[]): void;
  /** Makes these the default routes, and takes those away that are left out. Idempotent. */
  route(routes: DefaultRoutes): void;
  /** Removes a link. Nothing there is no fault. */
  remove(link: string): void;
  /** Sets a kernel setting of the namespace, by its path below /proc/sys/net. @throws the system error. */
  setting(name: string, value: string): void;
}

/** The ways out of a sandbox, by family. */
export interface DefaultRoutes {
  readonly ipv4: DefaultRoute | undefined;
  readonly ipv6: DefaultRoute | undefined;
}

export interface DefaultRoute {
  readonly link: string;
  /** Undefined where everything is sent by the link itself. */
  readonly gateway: string | undefined;
}

/**
 * Makes a sandbox's namespace at `file` with its loopback up and IPv6 off on every link that will come
 * (loopback keeps `::1`); `made` is a namespace that is there already, such as one of a user namespace. @throws as createNetworkNamespace; nothing is left then.
 */
export function createSandbox(file: string, made?: number): SandboxLinks {
  return createNetworkNamespace(
    file,
    () => {
      if (existsSync(ipv6Default)) writeFileSync(ipv6Default, '1');
      const sandbox = openHere();
      try {
        sandbox.netlink.change([route.setUp(LOOPBACK)]);
        return sandboxLinks(sandbox);
      } catch (error) {
        sandbox.close();
        throw error;
      }
    },
    made,
  );
}

/** A handle on the existing sandbox at `file`. @throws ENOENT when there is none. */
export function openSandbox(file: string): SandboxLinks {
  return insideNetworkNamespace(file, () => sandboxLinks(openHere()));
}

/** Removes the links that networks gave to a sandbox that others go on living in. Takes 20 ms and more. Nothing there is no fault. */
export function removeSandboxLinks(file: string): void {
  if (!existsSync(file)) return;
  insideNetworkNamespace(file, () => {
    using links = openLinks();
    for (const { name, kind } of links.list()) if (['veth', 'macvlan', 'ipvlan'].includes(kind)) links.remove(name);
  });
}

const LOOPBACK = 1;
/** /proc/sys/net shows the namespace of the thread that opens it. */
const ipv6Default = '/proc/sys/net/ipv6/conf/default/disable_ipv6';

interface Opened {
  readonly namespaceFd: number;
  readonly netlink: NetlinkSocket;
  close(): void;
}

function openHere(): Opened {
  const namespaceFd = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const netlink = openNetlink(netlinkFamilies.route);
    return {
      namespaceFd,
      netlink,
      close() {
        netlink[Symbol.dispose]();
        closeSync(namespaceFd);
      },
    };
  } catch (error) {
    closeSync(namespaceFd);
    throw error;
  }
}

function sandboxLinks({ namespaceFd, netlink, close }: Opened): SandboxLinks {
  const inside = <T>(work: () => T): T => insideNetworkNamespace(`/proc/thread-self/fd/${namespaceFd}`, work);
  return {
    namespaceFd,
    configure(link, addresses) {
      const { index } = mustFind(netlink, link);
      if (addresses.some(({ ip }) => ip.includes(':'))) inside(() => enableIpv6(link));
      netlink.change([
        route.setUp(index),
        ...addresses.map(({ ip, prefix, broadcast }) => route.addAddress(index, ip, prefix, broadcast)),
      ]);
    },
    route({ ipv4, ipv6 }) {
      for (const [family, wanted] of [[4, ipv4] as const, [6, ipv6] as const]) {
        if (wanted)
          netlink.change([route.setDefaultRoute(mustFind(netlink, wanted.link).index, family, wanted.gateway)]);
        else removeDefaultRoute(netlink, family);
      }
    },
    remove: (link) => void removeLink(netlink, link),
    setting: (name, value) => inside(() => writeFileSync(`/proc/sys/net/${name}`, value)),
    [Symbol.dispose]: close,
  };
}

/** ESRCH, or EAFNOSUPPORT of a kernel without IPv6: there is none. */
function removeDefaultRoute(netlink: NetlinkSocket, family: 4 | 6): void {
  try {
    netlink.change([route.deleteDefaultRoute(family)]);
  } catch (error) {
    if (!['ESRCH', 'EAFNOSUPPORT', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) throw error;
  }
}

/**
 * Turns IPv6 on for a link of this namespace. Addresses are usable at once: looking for another owner of them would
 * take a second. @throws ENOENT where the kernel has no IPv6.
 */
function enableIpv6(link: string): void {
  writeFileSync(`/proc/sys/net/ipv6/conf/${link}/accept_dad`, '0');
  writeFileSync(`/proc/sys/net/ipv6/conf/${link}/disable_ipv6`, '0');
}

function findIn(netlink: NetlinkSocket, name: string): LinkFacts | undefined {
  try {
    return mustFind(netlink, name);
  } catch (error) {
    if (errnoOf(error) === 'ENODEV') return undefined;
    throw error;
  }
}

function mustFind(netlink: NetlinkSocket, name: string): LinkFacts {
  const [reply] = netlink.ask(route.getLink(name));
  if (!reply) throw new Error(`netlink: no answer about link ${name}`);
  return linkFacts(reply.payload);
}

function linkFacts(payload: Buffer): LinkFacts {
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
