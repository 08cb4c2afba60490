import koffi from 'koffi';
import { check } from './ffi.ts';

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/**
 * Sends a message of `bytes` zero bytes over a unix socket, with a copy of `fd` beside it (SCM_RIGHTS). The copy
 * lives in the socket's queue; whoever reads the message without asking for descriptors makes the kernel close it.
 * @throws the system error.
 */
export function sendDescriptor(socket: number, fd: number, bytes: 0 | 1): void {
  // cmsghdr: a size_t length, an int level, an int type, then the data
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(SOL_SOCKET, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  control.writeInt32LE(fd, 16);
  const message = {
    name: null,
    nameLength: 0,
    vectors: { base: Buffer.alloc(1), length: bytes },
    vectorCount: 1,
    control,
    controlLength: control.length,
    flags: 0,
  };
  check(Number(bindSendmsg()(socket, message, 0)), 'sendmsg');
}

let sendmsg: ((...args: unknown[]) => number) | undefined;

function bindSendmsg(): (...args: unknown[]) => number {
  if (sendmsg) return sendmsg;
  const iovec = koffi.struct({ base: 'const void *', length: 'size_t' });
  const msghdr = koffi.struct({
    name: 'void *',
    nameLength: 'unsigned int',
    vectors: koffi.pointer(iovec),
    vectorCount: 'size_t',
    control: 'const void *',
    controlLength: 'size_t',
    flags: 'int',
  });
  sendmsg = koffi.load('libc.so.6').func('sendmsg', 'long', ['int', koffi.pointer(msghdr), 'int']);
  return sendmsg;
}
