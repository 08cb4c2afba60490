import type { Socket } from 'node:net';
import { textOfBytes } from '../formats/ip-address.ts';
import { check, libc } from './ffi.ts';

/** Numbers of linux/netfilter_ipv4.h and linux/netfilter_ipv6/ip6_tables.h. */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const SOCKADDR_IN6_BYTES = 28;

/**
 * Where an accepted connection was going before the firewall redirected it; its own address when it was not.
 * @throws ENOENT for a connection that the kernel does not track, EBADF for one that is closed already.
 */
export function originalDestination(socket: Socket): { ip: string; port: number } {
  // Node tells no number of a socket but this one, which its own modules use as well.
  const fd = (socket as Socket & { _handle?: { fd?: number } })._handle?.fd ?? -1;
  const mapped = socket.remoteFamily === 'IPv4' || socket.remoteAddress?.startsWith('::ffff:') === true;
  const address = Buffer.alloc(SOCKADDR_IN6_BYTES);
  const getsockopt = libc('int getsockopt(int, int, int, void *, void *)');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  check(getsockopt(fd, mapped ? SOL_IP : SOL_IPV6, SO_ORIGINAL_DST, address, length), 'getsockopt');
  return {
    ip: textOfBytes(mapped ? address.subarray(4, 8) : address.subarray(8, 24)),
    port: address.readUInt16BE(2),
  };
}
