import { readFileSync } from 'node:fs';
import path from 'node:path';
import { conflict, errnoOf, TugError } from '../../../../base/errors.ts';
import { type PacketReader, readPackets } from '../../../../host/attach-socket.ts';
import type { AttachedStdio } from '../../contract.ts';
import { openOutput } from './early-output.ts';
import { type MonitorNote, noteName } from './note.ts';
import { fifoWriter, type OpenWriters, type StdinWriter, terminalWriter } from './stdin.ts';

const STDOUT = 2;

/** Connects to the stdio of the process whose files lie in `folder`. @throws conflict when it has ended. */
export async function attach(folder: string, writers: OpenWriters): Promise<AttachedStdio> {
  const { stdio, accepted } = openStdio(folder, writers);
  await accepted;
  return stdio;
}

/** As `attach`, with the moment from which no output is missed as a promise of its own. */
export function openStdio(folder: string, writers: OpenWriters): { stdio: AttachedStdio; accepted: Promise<void> } {
  const note = readNote(folder);
  const output = openOutput(() => reader.destroy());
  const reader = connect(folder, (packet) => {
    if (packet.length > 1) output.take(packet[0] === STDOUT ? 'stdout' : 'stderr', packet.subarray(1));
  });
  const input = inputOf(note, folder, writers);
  const stdio: AttachedStdio = {
    onOutput: output.listen,
    ended: reader.closed.then(() => input?.release()),
    write: (bytes) => input?.write(bytes) ?? true,
    drained: () => input?.drained() ?? Promise.resolve(),
    closeInput: () => input?.end(),
    detach() {
      input?.release();
      reader.destroy();
    },
  };
  return { stdio, accepted: reader.accepted };
}

function connect(folder: string, take: (packet: Buffer) => void): PacketReader {
  try {
    return readPackets(path.join(folder, 'attach'), take);
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (['ENOENT', 'ECONNREFUSED', 'EPIPE', 'ECONNRESET'].includes(errno)) throw gone(error);
    if (errno === 'EAGAIN') throw new TugError('unavailable', "the container's monitor accepts no connections");
    throw error;
  }
}

const gone = (cause: unknown) =>
  conflict('the process has ended, or its monitor is gone: there is nothing to attach to', { cause });

function readNote(folder: string): MonitorNote {
  try {
    return JSON.parse(readFileSync(path.join(folder, noteName), 'utf8')) as MonitorNote;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw gone(error);
    throw error;
  }
}

function inputOf(note: MonitorNote, folder: string, writers: OpenWriters): StdinWriter | undefined {
  if (note.input === 'terminal') return terminalWriter(folder);
  if (note.input === 'fifo' && note.holder !== undefined)
    return fifoWriter(writers, folder, note.monitorPid, note.holder);
  return undefined;
}
