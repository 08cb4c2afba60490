import { closeSync, constants, fchownSync, openSync, readSync } from 'node:fs';
import type { Socket } from 'node:net';
import { errnoOf } from '../../../../base/errors.ts';
import { adoptDescriptor, createPipe } from '../../../../host/adopted-fd.ts';

/** A pipe for what a process writes. */
export interface OutputPipe {
  /** The descriptor to give it, open for reading too: writing to it never fails while the process itself has it open. */
  readonly processEnd: number;
  /** To be called once the process has it. Idempotent. */
  closeProcessEnd(): void;
  /** Makes the pipe a user's, who can then open what `/dev/stdout` leads to again. */
  give(uid: number): void;
  /** Hands on what is written, in memory that the next read overwrites. Once. */
  read(take: (data: Buffer) => void): void;
  /**
   * Hands on what is in the pipe at this moment. What is written later is handed on as before, and no longer keeps the
   * engine from ending.
   */
  drain(): void;
  /** Idempotent. */
  close(): void;
}

/** @throws the system error, with no descriptor left. */
export function openOutputPipe(): OutputPipe {
  const [read, write] = createPipe();
  const open = new Set([read, write]);
  const release = (fd: number): void => {
    if (open.delete(fd)) closeSync(fd);
  };
  const reopen = (fd: number, flags: number): number => {
    try {
      const made = openSync(`/proc/self/fd/${fd}`, flags);
      open.add(made);
      return made;
    } catch (error) {
      for (const each of open) closeSync(each);
      throw error;
    }
  };
  const processEnd = reopen(write, constants.O_RDWR);
  const lookEnd = reopen(read, constants.O_RDONLY | constants.O_NONBLOCK);
  release(write);
  let socket: Socket | undefined;
  let take: (data: Buffer) => void = () => {};
  return {
    processEnd,
    closeProcessEnd: () => release(processEnd),
    give: (uid) => fchownSync(lookEnd, uid, -1),
    read(next) {
      take = next;
      open.delete(read);
      const adopted = adoptDescriptor(read, { readable: true, writable: false, onRead: next });
      adopted.on('error', () => {});
      adopted.on('end', () => adopted.destroy());
      adopted.on('close', () => release(lookEnd));
      socket = adopted;
    },
    drain() {
      if (!open.has(lookEnd)) return; // its end was seen
      socket?.unref();
      readAll(lookEnd, take);
      release(lookEnd);
    },
    close() {
      socket?.destroy();
      for (const fd of open) release(fd);
    },
  };
}

function readAll(fd: number, take: (data: Buffer) => void): void {
  const buffer = Buffer.allocUnsafe(65536);
  for (;;) {
    let length: number;
    try {
      length = readSync(fd, buffer);
    } catch (error) {
      if (errnoOf(error) === 'EAGAIN') return; // somebody has it open still
      throw error;
    }
    if (length === 0) return;
    take(buffer.subarray(0, length));
  }
}
