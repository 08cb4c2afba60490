import { closeSync } from 'node:fs';
import { addressBytes } from '../formats/ip-address.ts';
import { check, libc } from './ffi.ts';

/** Numbers of socket(2), ip(7) and ipv6(7). */
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** errno(3); Node has no name for it. */
const EINPROGRESS = 115;

/** A socket in the network namespace of the thread that opened it, as a descriptor to hand to `dgram` or `net`. */
export interface OpenSocket {
  readonly fd: number;
  /** The port it is bound to, which the kernel chose. */
  readonly port: number;
}

/** A UDP socket on a port of an IPv4 address, a free one for 0, here and now. @throws the system error. */
export function bindUdp(ip: string, port = 0): OpenSocket {
  return bound(SOCK_DGRAM, ip, port);
}

/** A TCP socket that listens on a port of an IPv4 address, a free one for 0. @throws the system error. */
export function listenTcp(ip: string, backlog: number, port = 0): OpenSocket {
  const socket = bound(SOCK_STREAM, ip, port);
  return orClose(socket.fd, () => {
    check(libc('int listen(int, int)')(socket.fd, backlog), 'listen');
    return socket;
  });
}

/** A UDP socket to send from, on a port that nobody can foresee. @throws the system error (EAFNOSUPPORT without IPv6). */
export function openUdp(family: 4 | 6): number {
  const fd = open(SOCK_DGRAM, family);
  return orClose(fd, () => {
    bind(fd, socketAddress(family === 4 ? '0.0.0.0' : '::', 0));
    return fd;
  });
}

/** A TCP socket on its way to an address without a zone; what is written to it goes out when it has arrived. @throws the system error, such as ENETUNREACH. */
export function connectTcp(ip: string, port: number): number {
  const fd = open(SOCK_STREAM, ip.includes(':') ? 6 : 4);
  return orClose(fd, () => {
    const address = socketAddress(ip, port);
    const result = libc('int connect(int, const void *, unsigned int)')(fd, address, address.length);
    try {
      check(result, 'connect', ip);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).errno !== -EINPROGRESS) throw error;
    }
    return fd;
  });
}

function bound(type: number, ip: string, port: number): OpenSocket {
  const fd = open(type, 4);
  return orClose(fd, () => {
    if (port !== 0 && type === SOCK_STREAM) reuse(fd);
    bind(fd, socketAddress(ip, port));
    return { fd, port: port || portOf(fd) };
  });
}

function open(type: number, family: 4 | 6): number {
  const domain = family === 4 ? AF_INET : AF_INET6;
  return check(libc('int socket(int, int, int)')(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), 'socket');
}

function bind(fd: number, address: Buffer): void {
  check(libc('int bind(int, const void *, unsigned int)')(fd, address, address.length), 'bind');
}

/** Connections of a former owner of the port may linger. */
function reuse(fd: number): void {
  const on = Buffer.from([1, 0, 0, 0]);
  check(
    libc('int setsockopt(int, int, int, const void *, unsigned int)')(fd, SOL_SOCKET, SO_REUSEADDR, on, 4),
    'setsockopt',
  );
}

function portOf(fd: number): number {
  const address = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check(libc('int getsockname(int, void *, void *)')(fd, address, length), 'getsockname');
  return address.readUInt16BE(2);
}

function orClose<T>(fd: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** `struct sockaddr_in` or `sockaddr_in6`: family in the machine's order, port and address in the network's. */
function socketAddress(ip: string, port: number): Buffer {
  const v6 = ip.includes(':');
  const bytes = Buffer.alloc(v6 ? 28 : 16);
  bytes.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  addressBytes(ip).copy(bytes, v6 ? 8 : 4);
  return bytes;
}
