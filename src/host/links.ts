import {
  enableIpv6,
  findIn,
  type LinkAddress,
  type LinkFacts,
  linkFacts,
  mustFind,
  removeLink,
  withoutLinkLocal,
} from './link-facts.ts';
import * as route from './netlink/route.ts';
import { netlinkFamilies, openNetlink } from './netlink/socket.ts';
import { addSublink, type SublinkKind } from './netlink/sublink.ts';
import type { SandboxLinks } from './sandbox-links.ts';

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

export interface BridgeRequest extends route.BridgeLink {
  /** Written on the link, so that its maker knows it again. */
  readonly alias: string;
  readonly addresses: readonly LinkAddress[];
  /** Whether it has link-local addresses of IPv6 too. */
  readonly ipv6: boolean;
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
        else withoutLinkLocal(netlink, bridge.name);
        netlink.change([
          route.setAlias(index, alias),
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
      // A port's own address is of no use, and each has routes that the kernel goes through whenever a link is removed.
      withoutLinkLocal(netlink, name);
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
