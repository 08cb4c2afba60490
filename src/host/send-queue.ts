import type { Duplex } from 'node:stream';
import { check, libc } from './ffi.ts';

const SIOCOUTQ = 0x5411;

/**
 * Whether the other side of a connection has something to read yet: for a unix socket what its program has not read, for
 * TCP what its kernel has not confirmed (SIOCOUTQ, tcp(7)). False of a stream without a descriptor, or a closed one.
 * @throws the system error (ENOTTY) for what is no socket.
 */
export function hasUnread(stream: Duplex): boolean {
  const fd = (stream as Duplex & { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;
  if (fd < 0) return false;
  const bytes = new Int32Array(1);
  check(libc('int ioctl(int, unsigned long, ...)')(fd, SIOCOUTQ, 'void *', bytes), 'ioctl SIOCOUTQ');
  return bytes[0] !== 0;
}
