import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import { adoptDescriptor, createPipe } from './adopted-fd.ts';
import { check, libc } from './ffi.ts';
import { sendDescriptor } from './send-descriptor.ts';

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SHUT_RD = 0;
const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const O_PATH = 0o10000000;

/*
 * `node:net` has no words for SOCK_SEQPACKET. Why a net.Socket over one is sound: see `adoptDescriptor`; libuv's
 * read(2) takes one packet (into 64 KiB, more than any peer here sends), and its write(2) makes one, as long as
 * a write never waits behind another, since those that wait would be joined by writev(2).
 */

/** The receiving end of a connection. */
export interface PacketReader {
  /** Resolves when the peer has accepted the connection: everything it sends from then on arrives. */
  readonly accepted: Promise<void>;
  /** Resolves when the connection is over, whichever side ended it, and every packet was handed on. */
  readonly closed: Promise<void>;
  /** Closes at once. Idempotent. */
  destroy(): void;
}

/**
 * Connects to a seqpacket socket for its output only. connect(2) is done as soon as the connection is queued; to
 * learn when it was accepted, the peer is sent one empty packet, which it reads as the end of input, with the writing end of a pipe beside
 * it: the kernel closes that when the packet is read or the peer dies, and the pipe's end of file is the event.
 * @param onPacket gets each packet, in memory that the next packet overwrites: copy what is kept.
 * @throws the system error: ENOENT, ECONNREFUSED when nobody listens any more, EAGAIN when nobody accepts.
 */
export function readPackets(file: string, onPacket: (packet: Buffer) => void): PacketReader {
  const fd = connectSeqPacket(file);
  let accepted: Promise<void>;
  try {
    accepted = sendReceipt(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const socket = adoptDescriptor(fd, { readable: true, writable: false, onRead: onPacket });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => {}); // the peer went away: `closed` tells
  socket.on('end', () => socket.destroy());
  socket.on('close', () => resolve());
  return { accepted, closed, destroy: () => void socket.destroy() };
}

function sendReceipt(fd: number): Promise<void> {
  const [reader, writer] = createPipe();
  try {
    sendDescriptor(fd, writer, 0);
  } catch (error) {
    closeSync(reader);
    throw error;
  } finally {
    closeSync(writer);
  }
  const receipt = adoptDescriptor(reader, { readable: true, writable: false, onRead() {} });
  const { promise, resolve } = Promise.withResolvers<void>();
  receipt.on('error', () => {});
  receipt.on('end', () => receipt.destroy());
  receipt.on('close', () => resolve());
  return promise;
}

/** The sending end of a connection. */
export interface PacketWriter {
  /** Queues bytes as packets of at most `maxPacket`. False when the caller should wait for `drained`. */
  write(bytes: Uint8Array): boolean;
  /** Resolves when nothing is queued, or the connection is over. */
  drained(): Promise<void>;
  /** Closes, after what is queued. Idempotent. */
  end(): void;
}

/** Connects to a seqpacket socket for its input only; the peer's output is refused. @throws as `readPackets`. */
export function writePackets(file: string, maxPacket: number): PacketWriter {
  const fd = connectSeqPacket(file);
  libc('int shutdown(int, int)')(fd, SHUT_RD);
  const socket = adoptDescriptor(fd, { readable: false, writable: true });
  const queue: Uint8Array[] = [];
  let idle = Promise.withResolvers<void>();
  idle.resolve();
  let writing = false;
  let ending = false;

  const next = (): void => {
    const chunk = queue.shift();
    writing = chunk !== undefined;
    if (chunk !== undefined) socket.write(chunk, next);
    else {
      idle.resolve();
      if (ending) socket.destroy();
    }
  };
  socket.on('error', () => {}); // the peer went away, and with it whoever would have read
  socket.on('close', () => {
    queue.length = 0;
    idle.resolve();
  });

  return {
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
      ending = true;
      if (!writing) socket.destroy();
    },
  };
}

/** Goes through the folder's descriptor, since a socket's address holds 108 bytes and paths can be longer. */
function connectSeqPacket(file: string): number {
  const folder = openSync(path.dirname(file), O_PATH | constants.O_DIRECTORY);
  try {
    const kind = SOCK_SEQPACKET | O_CLOEXEC | O_NONBLOCK;
    const fd = check(libc('int socket(int, int, int)')(AF_UNIX, kind, 0), 'socket');
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
