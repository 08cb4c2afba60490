import { closeSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { errnoOf } from '../base/errors.ts';
import { check, libc } from './ffi.ts';
import { fields } from './netlink/nftables.ts';

export type PortProtocol = 'tcp' | 'udp' | 'sctp';

export interface HeldPort {
  readonly protocol: PortProtocol;
  /** An address of this host, `0.0.0.0` or `::`; an IPv6 one holds nothing of IPv4. */
  readonly hostIp: string;
  readonly hostPort: number;
}

/**
 * Bound sockets, one per published port. Translating a port in the firewall does not stop another process from
 * binding it; the socket does, and is how such a conflict is found. Where the firewall cannot lead a port to its
 * container, the relay reads from a copy. They end with the engine's process, so a restarted engine takes them again.
 */
export interface PortHolder extends Disposable {
  /** Binds a port. @throws the system error: EADDRINUSE, EADDRNOTAVAIL (no such address here), EPROTONOSUPPORT (no SCTP). */
  hold(port: HeldPort): void;
  holds(port: HeldPort): boolean;
  /** Another descriptor of the socket that holds a port, for the caller to close; undefined when it is not held. */
  copyOf(port: HeldPort): number | undefined;
  /** Lets a port go. Idempotent. */
  drop(port: HeldPort): void;
}

export function createPortHolder(): PortHolder {
  const sockets = new Map<string, number>();
  return {
    hold(port) {
      if (sockets.has(keyOf(port))) throw Object.assign(new Error('EADDRINUSE: bind'), { code: 'EADDRINUSE' });
      sockets.set(keyOf(port), bindPort(port));
    },
    holds: (port) => sockets.has(keyOf(port)),
    copyOf(port) {
      const fd = sockets.get(keyOf(port));
      return fd === undefined ? undefined : check(libc('int fcntl(int, int, long)')(fd, F_DUPFD_CLOEXEC, 0), 'fcntl');
    },
    drop(port) {
      const fd = sockets.get(keyOf(port));
      if (fd === undefined) return;
      sockets.delete(keyOf(port));
      closeSync(fd);
    },
    [Symbol.dispose]() {
      for (const fd of sockets.values()) closeSync(fd);
      sockets.clear();
    },
  };
}

const keyOf = ({ protocol, hostIp, hostPort }: HeldPort): string => `${protocol}/${hostIp}:${hostPort}`;

/** Numbers of socket(2), ip(7), ipv6(7), fcntl(2). */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const F_DUPFD_CLOEXEC = 1030;
const kinds = { tcp: { type: 1, number: 6 }, udp: { type: 2, number: 17 }, sctp: { type: 1, number: 132 } } as const;

/**
 * A TCP socket that is bound and does not listen answers a stray connection with a reset. Where a process has
 * just left that port (TIME_WAIT) such a bind is refused, and a listening one with SO_REUSEADDR is not.
 */
function bindPort(port: HeldPort): number {
  try {
    return bindSocket(port, false);
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE' || port.protocol === 'udp') throw error;
    return bindSocket(port, true);
  }
}

function bindSocket({ protocol, hostIp, hostPort }: HeldPort, listening: boolean): number {
  const { type, number } = kinds[protocol];
  const family = isIPv6(hostIp) ? AF_INET6 : AF_INET;
  const fd = check(libc('int socket(int, int, int)')(family, type | SOCK_CLOEXEC, number), 'socket');
  try {
    if (family === AF_INET6) turnOn(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (listening) turnOn(fd, SOL_SOCKET, SO_REUSEADDR);
    const address = socketAddress(hostIp, hostPort);
    check(libc('int bind(int, const void *, uint)')(fd, address, address.length), 'bind');
    if (listening) check(libc('int listen(int, int)')(fd, 0), 'listen');
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function turnOn(fd: number, level: number, option: number): void {
  const on = Buffer.from([1, 0, 0, 0]);
  check(libc('int setsockopt(int, int, int, const void *, uint)')(fd, level, option, on, 4), 'setsockopt');
}

/** struct sockaddr_in or sockaddr_in6: family in the machine's order, port and address in the network's. */
function socketAddress(ip: string, port: number): Buffer {
  const bytes = Buffer.alloc(isIPv6(ip) ? 28 : 16);
  bytes.writeUInt16LE(isIPv6(ip) ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  fields.address(ip).copy(bytes, isIPv6(ip) ? 8 : 4);
  return bytes;
}
