import { closeSync, readSync } from 'node:fs';
import koffi from 'koffi';
import { check, libc } from './ffi.ts';
import { copyDescriptorOf } from './process-watch.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const O_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/**
 * Keeps `fd` open without any process having it: it lies as an unread message (SCM_RIGHTS) in the queue of a
 * socket. Whoever inherits the returned socket keeps it open by merely living, and `releaseParked` closes it
 * from outside, with no help of that process. The caller goes on owning `fd`, and closes the returned socket.
 * @throws the system error.
 */
export function parkDescriptor(fd: number): number {
  const pair = [-1, -1];
  check(libc('int socketpair(int, int, int, _Out_ int *)')(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, pair), 'socketpair');
  try {
    check(Number(sendDescriptor()(pair[0], messageWith(fd), 0)), 'sendmsg');
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
    // Received without room for descriptors, so the kernel closes them. A second read is an end of file.
    readSync(socket, Buffer.alloc(1), 0, 1, null);
  } finally {
    closeSync(socket);
  }
}

let sendmsg: ((...args: unknown[]) => number) | undefined;

function sendDescriptor(): (...args: unknown[]) => number {
  if (sendmsg) return sendmsg;
  const iovec = koffi.struct({ base: 'const void *', length: 'size_t' });
  const message = koffi.struct({
    name: 'void *',
    nameLength: 'unsigned int',
    vectors: koffi.pointer(iovec),
    vectorCount: 'size_t',
    control: 'const void *',
    controlLength: 'size_t',
    flags: 'int',
  });
  sendmsg = koffi.load('libc.so.6').func('sendmsg', 'long', ['int', koffi.pointer(message), 'int']);
  return sendmsg;
}

/** One byte with one descriptor beside it: cmsghdr is a size_t length, an int level, an int type, then the data. */
function messageWith(fd: number): object {
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  const vectors = { base: Buffer.from([0]), length: 1 };
  return { name: null, nameLength: 0, vectors, vectorCount: 1, control, controlLength: control.length, flags: 0 };
}
