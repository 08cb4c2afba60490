import net from 'node:net';
import { check, libc } from './ffi.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;

export interface AdoptOptions {
  readonly readable: boolean;
  readonly writable: boolean;
  /** Called with each read's bytes, which lie in a buffer that the next read overwrites. Without it: `data` events. */
  readonly onRead?: (bytes: Buffer) => void;
}

/** One buffer for all adopted descriptors: libuv fills it and `onRead` is called before anything else can read. */
let readBuffer: Buffer | undefined;

/**
 * Puts a descriptor of any kind that poll(2) takes (a seqpacket socket, a pidfd) under Node's event loop as a
 * `net.Socket`: one read(2) per `onRead`, one write(2) per `write` that waits for the one before. Takes `fd`
 * over: it is closed with the socket, also when this throws.
 *
 * Node refuses kinds of descriptor that it does not know, so it is given one end of a fresh socketpair, and
 * `fd` is put in its place with dup3 before the call returns. That is sound because libuv keeps only the
 * number: it registers a stream with epoll when the loop next polls, which cannot be before this synchronous
 * function is done, and its reads and writes are plain read(2) and write(2), which mean what `fd` makes of them.
 * @throws the system error (EMFILE, EBADF).
 */
export function adoptDescriptor(fd: number, options: AdoptOptions): net.Socket {
  const close = libc('int close(int)');
  const pair = [-1, -1];
  try {
    const socketpair = libc('int socketpair(int, int, int, _Out_ int *)');
    check(socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC | O_NONBLOCK, 0, pair), 'socketpair');
    setNonBlocking(fd);
    if (options.onRead) readBuffer ??= Buffer.allocUnsafeSlow(65536);
    const { readable, writable, onRead } = options;
    const socket = new net.Socket({
      fd: pair[0]!,
      readable,
      writable,
      allowHalfOpen: true,
      ...(onRead && readBuffer && { onread: { buffer: readBuffer, callback: reader(onRead) } }),
    });
    check(libc('int dup3(int, int, int)')(fd, pair[0], O_CLOEXEC), 'dup3');
    return socket;
  } finally {
    close(fd);
    if (pair[1] !== -1) close(pair[1]);
  }
}

const reader = (onRead: (bytes: Buffer) => void) => (length: number, buffer: Uint8Array) => {
  onRead((buffer as Buffer).subarray(0, length));
  return true;
};

/** Sets O_NONBLOCK on the open file that `fd` names. */
export function setNonBlocking(fd: number): void {
  const [F_GETFL, F_SETFL] = [3, 4];
  const fcntl = libc('int fcntl(int, int, long)');
  const flags = check(fcntl(fd, F_GETFL, 0), 'fcntl');
  if (!(flags & O_NONBLOCK)) check(fcntl(fd, F_SETFL, flags | O_NONBLOCK), 'fcntl');
}

/** A pipe whose ends close at exec: `[read, write]`. @throws the system error. */
export function createPipe(): [number, number] {
  const ends = [-1, -1];
  check(libc('int pipe2(_Out_ int *, int)')(ends, O_CLOEXEC), 'pipe2');
  return [ends[0]!, ends[1]!];
}
