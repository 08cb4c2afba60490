import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/log.ts';

export interface QueueOptions {
  /** A folder on disk for what a slow client has not read yet. */
  readonly spool: string;
  readonly log: Logger;
  /** Bytes that are kept in memory; 4 MiB by default. */
  readonly memory?: number;
}

/** What a process writes on its way to one client. */
export interface OutputQueue {
  /** Takes bytes to send; never waits. `done` is called when it needs them no more. */
  push(bytes: Uint8Array, done?: () => void): void;
  /** Resolves when all that was taken is in the socket's own hands, or the client is gone. */
  flushed(): Promise<void>;
}

const pieceSize = 1024 * 1024;
/** What must stay free on the disk, in bytes; a client whose backlog would take it is cut off. */
const reserve = 512 * 1024 * 1024;
const freeSpaceInterval = 16 * 1024 * 1024;

/**
 * Sends output to a client at the client's speed while the process goes on at its own: a backlog beyond
 * `memory` goes to a file that has no name, so that nothing is lost, nothing waits, and nothing is left behind.
 * All that comes in one turn of the event loop goes out in one call.
 */
export function createOutputQueue(socket: Duplex, options: QueueOptions): OutputQueue {
  const memory = options.memory ?? 4 * 1024 * 1024;
  let spill: Spill | undefined;
  let draining = Promise.resolve();
  let corked = false;

  const uncork = (): void => {
    corked = false;
    socket.uncork();
  };
  const send = (bytes: Uint8Array, done?: () => void): void => {
    if (!corked) {
      corked = true;
      socket.cork();
      setImmediate(uncork);
    }
    socket.write(bytes, done);
  };
  const cutOff = (error: unknown): void => {
    options.log.warn('a client that does not read its output was cut off', { error });
    socket.destroy();
  };
  const spillOver = (): Spill => {
    const opened = openSpill(options.spool);
    const emptied = (): void => {
      spill = undefined;
    };
    draining = drain(opened, socket, emptied)
      .catch(cutOff)
      .finally(() => opened.close());
    return opened;
  };
  return {
    push(bytes, done) {
      if (socket.destroyed) return;
      if (!spill && socket.writableLength <= memory) {
        send(bytes, done);
        return;
      }
      try {
        spill ??= spillOver();
        spill.append(bytes);
        done?.();
      } catch (error) {
        cutOff(error);
      }
    },
    flushed: () => draining,
  };
}

/**
 * Moves a spill's bytes to the socket until none are left; what is appended meanwhile goes the same way.
 * `emptied` is called at the very moment when there is nothing more, so that nothing can come between.
 */
async function drain(spill: Spill, socket: Duplex, emptied: () => void): Promise<void> {
  while (!socket.destroyed) {
    await drainedOrClosed(socket);
    const piece = await spill.read();
    if (piece) socket.write(piece);
    else if (spill.isEmpty()) {
      emptied();
      return;
    }
  }
}

function drainedOrClosed(socket: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    if (!socket.writableNeedDrain || socket.destroyed) done();
    else {
      socket.on('drain', done);
      socket.on('close', done);
    }
  });
}

interface Spill {
  append(data: Uint8Array): void;
  /** The next bytes, or undefined when all that is there was read. */
  read(): Promise<Buffer | undefined>;
  isEmpty(): boolean;
  close(): void;
}

/** A file without a name. Appending is synchronous and goes to the page cache. @throws when the disk is nearly full. */
function openSpill(folder: string): Spill {
  const file = path.join(folder, randomBytes(8).toString('hex'));
  const fd = fs.openSync(file, 'wx+', 0o600);
  fs.unlinkSync(file);
  let written = 0;
  let taken = 0;
  let checked = 0;
  return {
    append(data) {
      if (written >= checked) {
        const { bavail, bsize } = fs.statfsSync(folder);
        if (bavail * bsize < reserve) throw new Error(`less than ${reserve} bytes are free in ${folder}`);
        checked = written + freeSpaceInterval;
      }
      fs.writeSync(fd, data, 0, data.length, written);
      written += data.length;
    },
    read() {
      const size = Math.min(pieceSize, written - taken);
      if (size === 0) return Promise.resolve(undefined);
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      fs.read(fd, Buffer.allocUnsafe(size), 0, size, taken, (error, count, buffer) => {
        if (error) reject(error);
        else {
          taken += count;
          resolve(buffer.subarray(0, count));
        }
      });
      return promise;
    },
    isEmpty: () => taken === written,
    close: () => fs.closeSync(fd),
  };
}
