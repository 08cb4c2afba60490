import { readFileSync } from 'node:fs';
import path from 'node:path';
import { conflict, errnoOf } from '../../../../base/errors.ts';
import { connectPackets, type PacketSocket } from '../../../../host/attach-socket.ts';
import type { AttachedStdio } from '../../contract.ts';
import type { MonitorNote } from './launch.ts';
import { fifoWriter, type OpenWriters, type StdinWriter } from './stdin.ts';

/** conmon takes at most 32,768 bytes a packet. */
const maxInput = 32768;
const STDOUT = 2;

/** Connects to the stdio of the process whose files lie in `folder`. @throws conflict when it has ended. */
export function attach(folder: string, writers: OpenWriters): AttachedStdio {
  const note = readNote(folder);
  const output = openOutput();
  const socket = connect(folder, output.take);
  const input = inputOf(note, folder, socket, writers);
  const ended = socket.closed.then(() => input?.release());
  return {
    onOutput: output.listen,
    ended,
    write: (bytes) => input?.write(bytes) ?? true,
    drained: () => input?.drained() ?? Promise.resolve(),
    closeInput: () => input?.end(),
    detach() {
      input?.release();
      socket.destroy();
    },
  };
}

function connect(folder: string, take: (packet: Buffer) => void): PacketSocket {
  try {
    return connectPackets(path.join(folder, 'attach'), maxInput, take);
  } catch (error) {
    if (['ENOENT', 'ECONNREFUSED'].includes(errnoOf(error) ?? '')) throw gone(error);
    throw error;
  }
}

const gone = (cause: unknown) =>
  conflict('the process has ended, or its monitor is gone: there is nothing to attach to', { cause });

function readNote(folder: string): MonitorNote {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'monitor.json'), 'utf8')) as MonitorNote;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw gone(error);
    throw error;
  }
}

/** Hands packets to the listener; those that came before there was one are kept for it. */
function openOutput() {
  type Listener = (stream: 'stdout' | 'stderr', data: Buffer) => void;
  let listener: Listener | undefined;
  const early: ['stdout' | 'stderr', Buffer][] = [];
  return {
    take(packet: Buffer): void {
      if (packet.length < 2) return;
      const stream = packet[0] === STDOUT ? 'stdout' : 'stderr';
      const data = Buffer.from(packet.subarray(1));
      if (listener) listener(stream, data);
      else early.push([stream, data]);
    },
    listen(next: Listener): void {
      listener = next;
      for (const [stream, data] of early.splice(0)) next(stream, data);
    },
  };
}

function inputOf(note: MonitorNote, folder: string, socket: PacketSocket, writers: OpenWriters) {
  if (note.input === 'none') return undefined;
  if (note.input === 'fifo' && note.holder !== undefined)
    return fifoWriter(writers, folder, note.monitorPid, note.holder);
  const throughSocket: StdinWriter = {
    write: socket.write,
    drained: socket.drained,
    // A pty has no end of file but the one the user types, and the connection goes on carrying output.
    end: note.input === 'terminal' ? () => {} : socket.end,
    release() {},
  };
  return throughSocket;
}
