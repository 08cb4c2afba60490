import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import { enableIpv6, type LinkAddress, mustFind, removeLink } from './link-facts.ts';
import { openLinks } from './links.ts';
import { createNetworkNamespace, insideNetworkNamespace } from './namespaces.ts';
import * as route from './netlink/route.ts';
import { type NetlinkSocket, netlinkFamilies, openNetlink } from './netlink/socket.ts';

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
      turnIpv6Off();
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

/** One look-up of the file: each goes through those of all namespaces there are. Nothing where the kernel has no IPv6. */
function turnIpv6Off(): void {
  try {
    writeFileSync(ipv6Default, '1', { flag: 'r+' });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

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
