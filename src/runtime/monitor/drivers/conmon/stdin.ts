import { closeSync, constants, openSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { errnoOf } from '../../../../base/errors.ts';
import { adoptDescriptor } from '../../../../host/adopted-fd.ts';
import { type PacketWriter, writePackets } from '../../../../host/attach-socket.ts';
import { check, libc } from '../../../../host/ffi.ts';
import { parkDescriptor, releaseParked } from '../../../../host/parked-fd.ts';
import type { Runtime } from '../../../contract.ts';

/** conmon takes at most 32,768 bytes a packet. */
const maxPacket = 32768;

/**
 * The stdin of a process without a pty is a FIFO of the engine's own, not conmon's pipe. conmon offers two ways:
 * close stdin whenever any client leaves (so also when the engine dies, or somebody who only watched goes),
 * or never. Docker's StdinOnce wants neither. So a shell in front of the runtime opens the FIFO as standard
 * input and becomes the runtime; a writer lies parked in a socket that conmon inherits, which keeps stdin open
 * for as long as conmon lives; and whoever closes stdin deliberately takes the parked writer out.
 */
export interface PreparedStdin {
  readonly runtimePath: string;
  readonly runtimeArgs: readonly string[];
  readonly holder: number;
  /** Closes the engine's own descriptors; conmon has its copy. */
  close(): void;
}

/** The runtime behind a shell that opens a file as its standard input. */
export const readingFrom = (file: string, runtime: Runtime) => ({
  runtimePath: '/bin/sh',
  runtimeArgs: ['-c', 'f=$1; shift; exec "$@" <"$f"', 'sh', file, runtime.path],
});

const fifoOf = (folder: string): string => path.join(folder, 'stdin');

/** Makes the FIFO, with a parked writer. @throws the system error, with no descriptor left. */
export function prepareStdin(folder: string, runtime: Runtime): PreparedStdin {
  const fifo = fifoOf(folder);
  rmSync(fifo, { force: true });
  check(libc('int mkfifo(const char *, unsigned int)')(fifo, 0o600), 'mkfifo', fifo);
  // A writer can only open a FIFO without waiting while it has a reader.
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const writer = openSync(fifo, constants.O_WRONLY);
    try {
      const holder = parkDescriptor(writer);
      return {
        ...readingFrom(fifo, runtime),
        holder,
        close: () => closeSync(holder),
      };
    } finally {
      closeSync(writer);
    }
  } finally {
    closeSync(reader);
  }
}

/** Writes to a process's stdin, shared by all who are attached to it. */
export interface StdinWriter {
  write(bytes: Uint8Array): boolean;
  drained(): Promise<void>;
  /** Ends the process's stdin after what is queued, for everybody. Idempotent. */
  end(): void;
  /** Closes the engine's side; the process's stdin stays as it is. */
  release(): void;
}

/** The writers in use by folder, so that one who ends stdin ends it for the others too. */
export type OpenWriters = Map<string, { socket: Socket; users: number }>;

/** A writer that opens the FIFO at its first use, so that those who only watch do not hold stdin open. */
export function fifoWriter(open: OpenWriters, folder: string, monitorPid: number, holder: number): StdinWriter {
  let entry: { socket: Socket; users: number } | undefined;
  let released = false;
  const use = (): Socket | undefined => {
    if (released) return undefined;
    if (!entry) {
      entry = open.get(folder) ?? openWriter(open, folder);
      if (entry) entry.users += 1;
    }
    return entry?.socket.writable ? entry.socket : undefined;
  };
  return {
    write: (bytes) => use()?.write(bytes) ?? true,
    drained: () => drained(entry?.socket),
    end() {
      use()?.end();
      releaseParked(monitorPid, holder);
    },
    release() {
      if (released) return;
      released = true;
      if (!entry) return;
      entry.users -= 1;
      if (entry.users > 0) return;
      if (open.get(folder) === entry) open.delete(folder);
      entry.socket.end(); // what is queued still goes to the process
    },
  };
}

function openWriter(open: OpenWriters, folder: string): { socket: Socket; users: number } | undefined {
  let fd: number;
  try {
    fd = openSync(fifoOf(folder), constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // Nobody reads it any more: the process has closed its stdin, or ended.
    if (errnoOf(error) === 'ENXIO' || errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const socket = adoptDescriptor(fd, { readable: false, writable: true });
  const entry = { socket, users: 0 };
  open.set(folder, entry);
  const forget = (): void => {
    if (open.get(folder) === entry) open.delete(folder);
  };
  socket.on('error', forget); // EPIPE: the process closed its stdin, and input is dropped
  socket.on('finish', () => {
    forget();
    socket.destroy();
  });
  socket.on('close', forget);
  return entry;
}

const drained = (socket: Socket | undefined): Promise<void> => {
  if (!socket || socket.destroyed || !socket.writableNeedDrain) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
  });
};

/** Writes to a pty, through a connection of its own that opens at the first use. A pty has no end of input. */
export function terminalWriter(folder: string): StdinWriter {
  let writer: PacketWriter | undefined;
  let released = false;
  return {
    write(bytes) {
      if (released) return true;
      try {
        writer ??= writePackets(path.join(folder, 'attach'), maxPacket);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ECONNREFUSED') return true; // it has ended
        throw error;
      }
      return writer.write(bytes);
    },
    drained: () => writer?.drained() ?? Promise.resolve(),
    end() {},
    release() {
      released = true;
      writer?.end();
    },
  };
}
