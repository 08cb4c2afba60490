import { closeSync, readSync } from 'node:fs';
import { check, libc } from './ffi.ts';
import { copyDescriptorOf } from './process-watch.ts';
import { sendDescriptor } from './send-descriptor.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const O_CLOEXEC = 0o2000000;

/**
 * Keeps `fd` open without any process having it: it lies as an unread message in the queue of a socket.
 * Whoever inherits the returned socket keeps it open by merely living, and `releaseParked` closes it
 * from outside, with no help of that process. The caller goes on owning `fd`, and closes the returned socket.
 * @throws the system error.
 */
export function parkDescriptor(fd: number): number {
  const pair = [-1, -1];
  check(libc('int socketpair(int, int, int, _Out_ int *)')(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, pair), 'socketpair');
  try {
    sendDescriptor(pair[0]!, fd, 1);
    return pair[1]!;
  } catch (error) {
    closeSync(pair[1]!);
    throw error;
  } finally {
    closeSync(pair[0]!);
  }
}

/** Closes what is parked in the socket that process `pid` has as `holder`. Does nothing when either is gone. Idempotent. */
export function releaseParked(pid: number, holder: number): void {
  const socket = copyDescriptorOf(pid, holder);
  if (socket === undefined) return;
  try {
    // Read without room for descriptors, so the kernel closes it. A second read is an end of file.
    readSync(socket, Buffer.alloc(1), 0, 1, null);
  } finally {
    closeSync(socket);
  }
}
