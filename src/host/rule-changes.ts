import koffi from 'koffi';
import { adoptDescriptor } from './adopted-fd.ts';
import { check, libc } from './ffi.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_NETFILTER = 12;
const NFNLGRP_NFTABLES = 7;
const [SOL_SOCKET, SO_ATTACH_FILTER] = [1, 26];
const [SOL_NETLINK, NETLINK_NO_ENOBUFS] = [270, 5];
/** The type of the message that ends a transaction's news, NFT_MSG_NEWGEN of the subsystem nftables, as it lies in memory. */
const newGeneration = 0x0f0a;

/**
 * Calls `changed` after each transaction on the nftables rules of the calling thread's network namespace, whoever made it
 * (the engine itself too). The kernel tells (linux/netfilter/nfnetlink.h); nothing runs between. Of what a
 * transaction changed only its end is let through, so that one of thousands of elements is one message. News that come
 * faster than they are read are left out, never the last of them unread. @throws the system error: EPERM without the right to change rules.
 */
export function watchRules(changed: () => void): Disposable {
  const fd = check(libc('int socket(int, int, int)')(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), 'socket');
  try {
    letThroughEnds(fd);
    const on = Buffer.from([1, 0, 0, 0]);
    const setsockopt = libc('int setsockopt(int, int, int, const void *, uint)');
    check(setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, on, on.length), 'setsockopt');
    const address = Buffer.alloc(12); // struct sockaddr_nl
    address.writeUInt16LE(AF_NETLINK);
    address.writeUInt32LE(1 << (NFNLGRP_NFTABLES - 1), 8);
    check(libc('int bind(int, const void *, uint)')(fd, address, address.length), 'bind');
  } catch (error) {
    libc('int close(int)')(fd);
    throw error;
  }
  const socket = adoptDescriptor(fd, { readable: true, writable: false, onRead: () => changed() });
  socket.on('error', () => {}); // no read of it fails while it is open
  socket.unref();
  return { [Symbol.dispose]: () => void socket.destroy() };
}

/** Has the kernel keep all messages but the ends of transactions from a socket: a program of socket(7)'s filters. */
function letThroughEnds(fd: number): void {
  const typeAt = 4;
  const program = [
    { code: 0x28, yes: 0, no: 0, value: typeAt }, // load 16 bits
    { code: 0x15, yes: 0, no: 1, value: newGeneration }, // skip one where it is no such message
    { code: 0x06, yes: 0, no: 0, value: 0xffff }, // take it
    { code: 0x06, yes: 0, no: 0, value: 0 }, // leave it
  ];
  const header = Buffer.alloc(16); // struct sock_fprog, and behind it what it points to
  const bytes = Buffer.concat([header, ...program.map(instruction)]);
  bytes.writeUInt16LE(program.length);
  bytes.writeBigUInt64LE(koffi.address(bytes) + BigInt(header.length), 8);
  const setsockopt = libc('int setsockopt(int, int, int, const void *, uint)');
  check(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, bytes, header.length), 'setsockopt');
}

/** `struct sock_filter`. */
function instruction({ code, yes, no, value }: { code: number; yes: number; no: number; value: number }): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code);
  bytes.writeUInt8(yes, 2);
  bytes.writeUInt8(no, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
