import { closeSync } from 'node:fs';
import { check, libc } from './ffi.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const sunPathLength = 108;

/** The sending side of a datagram socket in the file system, which Node has no words for. */
export interface DatagramSender {
  /** Sends one, at once. @throws EAGAIN when the receiver's queue is full, EMSGSIZE, ECONNREFUSED when it is gone. */
  send(data: Uint8Array): void;
  /** Idempotent. */
  close(): void;
}

/** @throws the system error: ENOENT, ECONNREFUSED, EPROTOTYPE when it is a stream socket, ENAMETOOLONG. */
export function connectDatagram(file: string): DatagramSender {
  let fd = check(libc('int socket(int, int, int)')(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), 'socket');
  try {
    const address = unixAddress(file);
    check(libc('int connect(int, const void *, unsigned int)')(fd, address, address.length), 'connect', file);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    send(data) {
      check(libc('long send(int, const void *, size_t, int)')(fd, data, data.length, MSG_NOSIGNAL), 'send', file);
    },
    close() {
      if (fd >= 0) closeSync(fd);
      fd = -1;
    },
  };
}

/** `struct sockaddr_un` (unix(7)). */
export function unixAddress(file: string): Buffer {
  const name = Buffer.from(file);
  if (name.length >= sunPathLength) {
    const error: NodeJS.ErrnoException = new Error(`ENAMETOOLONG: connect '${file}'`);
    error.code = 'ENAMETOOLONG';
    throw error;
  }
  const address = Buffer.alloc(2 + name.length + 1);
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);
  return address;
}
