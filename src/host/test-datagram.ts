import { closeSync } from 'node:fs';
import { unixAddress } from './datagram.ts';
import { check, libc } from './ffi.ts';

/** For tests: the receiving side of a datagram socket in the file system. */
export function bindDatagram(path: string): { path: string; receive(): Buffer | undefined; close(): void } {
  const fd = check(libc('int socket(int, int, int)')(1, 2 | 0o4000 | 0o2000000, 0), 'socket');
  const address = unixAddress(path);
  check(libc('int bind(int, const void *, unsigned int)')(fd, address, address.length), 'bind', path);
  return {
    path,
    receive() {
      const buffer = Buffer.alloc(1 << 16);
      const length = libc('long recv(int, _Out_ void *, size_t, int)')(fd, buffer, buffer.length, 0);
      return length < 0 ? undefined : buffer.subarray(0, length);
    },
    close: () => closeSync(fd),
  };
}
