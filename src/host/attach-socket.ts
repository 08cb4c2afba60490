import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import { adoptDescriptor } from './adopted-fd.ts';
import { check, libc } from './ffi.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;

/** A connected `SOCK_SEQPACKET` unix socket: boundaries between packets are kept in both directions. */
export interface PacketSocket {
  /** Resolves when the connection is over, whichever side ended it, and every packet was handed on. */
  readonly closed: Promise<void>;
  /** Queues bytes as packets of at most `maxPacket`. False when the caller should wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when nothing is queued, or the connection is over. */
  drained(): Promise<void>;
  /** Half-closes, after what is queued: the peer reads an end of file. Idempotent. */
  end(): void;
  /** Stops and goes on reading; the peer's writes wait meanwhile. */
  pause(): void;
  resume(): void;
  /** Closes at once. Idempotent. */
  destroy(): void;
}

/**
 * Connects to a seqpacket socket, which `node:net` has no words for. Why reading and writing it as a
 * `net.Socket` is sound: see `adoptDescriptor`; libuv's read(2) takes one packet (a buffer of 64 KiB, more than
 * any peer here sends), and its write(2) makes one, as long as a write never waits behind another, since
 * waiting ones would be joined by writev(2). So writes go one at a time.
 * @param onPacket gets each packet, in memory that the next packet overwrites: copy what is kept.
 * @throws the system error: ENOENT, ECONNREFUSED when nobody listens any more, EAGAIN when the peer accepts nobody.
 */
export function connectPackets(file: string, maxPacket: number, onPacket: (packet: Buffer) => void): PacketSocket {
  const socket = adoptDescriptor(connectSeqPacket(file), { readable: true, writable: true, onRead: onPacket });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const queue: Uint8Array[] = [];
  let writing = false;
  let ending = false;
  let idle = Promise.withResolvers<void>();
  idle.resolve();

  const next = (): void => {
    const chunk = queue.shift();
    writing = chunk !== undefined;
    if (chunk !== undefined) socket.write(chunk, next);
    else {
      idle.resolve();
      if (ending) socket.end();
    }
  };
  socket.on('error', () => {}); // the peer went away: `closed` tells
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    queue.length = 0;
    idle.resolve();
    resolve();
  });

  return {
    closed,
    write(bytes) {
      if (ending || socket.destroyed) return true;
      for (let at = 0; at < bytes.length; at += maxPacket) queue.push(bytes.subarray(at, at + maxPacket));
      if (writing || queue.length === 0) return !writing;
      idle = Promise.withResolvers<void>();
      next();
      return false;
    },
    drained: () => idle.promise,
    end() {
      if (ending) return;
      ending = true;
      if (!writing) socket.end();
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    destroy: () => void socket.destroy(),
  };
}

/** Goes through the folder's descriptor, since a socket's address holds 108 bytes and paths can be longer. */
function connectSeqPacket(file: string): number {
  const folder = openSync(path.dirname(file), O_PATH | constants.O_DIRECTORY);
  try {
    const fd = check(libc('int socket(int, int, int)')(AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC | O_NONBLOCK, 0), 'socket');
    const address = Buffer.alloc(110);
    address.writeUInt16LE(AF_UNIX, 0);
    address.write(`/proc/self/fd/${folder}/${path.basename(file)}`, 2);
    try {
      check(libc('int connect(int, const void *, unsigned int)')(fd, address, address.length), 'connect', file);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } finally {
    closeSync(folder);
  }
}
