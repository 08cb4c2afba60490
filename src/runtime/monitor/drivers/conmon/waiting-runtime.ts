import { closeSync, openSync, rmSync, symlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../../base/errors.ts';
import { adoptDescriptor, createPipe } from '../../../../host/adopted-fd.ts';
import { isAlive, processStartTime } from '../../../../host/process-identity.ts';
import { killTree } from '../../../../host/process-tree.ts';
import { contentOf, memoryFile, type Spawned, spawnProgram } from '../../../../host/spawn.ts';
import { baseEnvironment } from '../../../environment.ts';
import type { AttachedStdio, ExecPreparation } from '../../contract.ts';
import { openOutput } from './early-output.ts';
import { type OutputPipe, openOutputPipe } from './output-pipe.ts';

/** A runtime's `exec` under way: it is loaded, looks at the container, and reads what to run from a pipe. */
export interface WaitingRuntime {
  readonly spawned: Spawned;
  /** The process's, once the command was found and runs. 0 when it ended before. */
  readonly pid: Promise<number>;
  readonly stdio: AttachedStdio;
  /** Its exit code, and the process that it left running when it was killed, or 0. Never rejects. */
  readonly ended: Promise<RuntimeEnd>;
  /**
   * Tells it what to run. It begins with the last byte, so that an engine killed before leaves a runtime that ends without
   * having run anything. Returns false when it has ended by itself, or the text is too long for a pipe that nobody reads yet.
   */
  give(telling: Telling): boolean;
  /** What the runtime complained of. */
  words(): string;
  /** Idempotent. No words any more; the output goes on. */
  close(): void;
  /** Kills it, closes all, and takes its link away: what somebody wrote through that would come to a descriptor of the engine. Idempotent. */
  drop(): void;
}

export interface RuntimeEnd {
  readonly code: number;
  readonly left: number;
}

export interface Telling {
  /** An OCI `process` object as JSON. */
  readonly text: string;
  /** See `MonitorExec.pipeOwner`. */
  readonly pipeOwner: number | undefined;
}

/** Bytes that a pipe holds at least, whatever the size of a page. */
const pipeRoom = 65_536;

/**
 * Starts the runtime, in a session of its own: what is typed where the engine runs is not for it. In the folder it leaves
 * `process.json`, by which it is found.
 * @param told what `give` would say, if that is known already.
 * @throws the system error, with nothing left.
 */
export function startRuntime(request: ExecPreparation, told?: Telling): WaitingRuntime {
  const parts = openParts(request, told);
  let spawned: Spawned | undefined;
  try {
    spawned = spawn(request, parts);
    parts.close(parts.source, parts.pidWrite, parts.stdin);
    for (const pipe of parts.pipes) pipe.closeProcessEnd();
    return watch(spawned, parts, linkOf(request));
  } catch (error) {
    if (spawned) killTree(spawned.pid);
    parts.closeAll();
    rmSync(linkOf(request), { force: true });
    throw error;
  }
}

/** The engine's descriptors. */
interface Parts {
  readonly log: number;
  /** What the runtime reads, and the end of it that is written to when it is a pipe. */
  readonly source: number;
  readonly sink: number | undefined;
  readonly pidRead: number;
  readonly pidWrite: number;
  readonly stdin: number | undefined;
  readonly pipes: readonly OutputPipe[];
  /** Each once. */
  close(...descriptors: readonly (number | undefined)[]): void;
  /** Leaves a descriptor to somebody else. */
  handOn(descriptor: number): number;
  closeAll(): void;
}

function openParts(request: ExecPreparation, told: Telling | undefined): Parts {
  const own = new Set<number>();
  const open = (fd: number): number => {
    own.add(fd);
    return fd;
  };
  const pipes: OutputPipe[] = [];
  const close = (...descriptors: readonly (number | undefined)[]): void => {
    for (const fd of descriptors) if (fd !== undefined && own.delete(fd)) closeSync(fd);
  };
  const closeAll = (): void => {
    close(...own);
    for (const pipe of pipes) pipe.close();
  };
  try {
    const log = open(memoryFile());
    const [source, sink] = told ? [open(memoryFile())] : createPipe();
    for (const fd of [source, sink]) if (fd !== undefined) open(fd);
    const [pidRead, pidWrite] = createPipe();
    for (const fd of [pidRead, pidWrite]) open(fd);
    for (let i = 0; i < 2; i++) pipes.push(openOutputPipe());
    if (told) {
      writeAll(source, told.text);
      handOver(pipes, told);
    }
    const stdin = request.nullDevice === undefined ? undefined : open(openSync(request.nullDevice, 'r'));
    const handOn = (fd: number): number => {
      own.delete(fd);
      return fd;
    };
    return { log, source, sink, pidRead, pidWrite, stdin, pipes, close, handOn, closeAll };
  } catch (error) {
    closeAll();
    throw error;
  }
}

function watch(spawned: Spawned, parts: Parts, link: string): WaitingRuntime {
  const pid = readPid(parts.handOn(parts.pidRead));
  const ended = endOf(spawned, pid);
  const stdio = stdioOf(parts.pipes, ended);
  let over = false;
  void spawned.exited.then(() => {
    over = true;
  });
  return {
    ...{ spawned, pid, stdio, ended },
    give(telling) {
      const { sink } = parts;
      if (over || sink === undefined || Buffer.byteLength(telling.text) > pipeRoom) return false;
      handOver(parts.pipes, telling);
      const taken = write(sink, telling.text);
      parts.close(sink);
      return taken;
    },
    words: () => contentOf(parts.log),
    close: () => parts.close(parts.log),
    drop() {
      if (!over) killTree(spawned.pid);
      stdio.detach();
      parts.closeAll();
      rmSync(link, { force: true });
    },
  };
}

function spawn(request: ExecPreparation, { stdin, pipes, log, source, pidWrite }: Parts): Spawned {
  const { runtime, containerId } = request;
  const file = linkOf(request);
  symlinkSync(descriptor(source), file); // it names the folder in the command line, and leads into a pipe
  const [stdout, stderr] = pipes.map(({ processEnd }) => processEnd);
  const args = [`--log=${descriptor(log)}`, 'exec', '--process', file, '--pid-file', descriptor(pidWrite)];
  return spawnProgram(runtime.path, [...runtime.globalArgs, ...args, containerId], {
    stdio: [stdin, stdout, stderr],
    inherit: [log, source, pidWrite],
    env: baseEnvironment(),
    session: true,
  });
}

function handOver(pipes: readonly OutputPipe[], { pipeOwner }: Telling): void {
  if (pipeOwner !== undefined) for (const pipe of pipes) pipe.give(pipeOwner);
}

const linkOf = ({ folder }: ExecPreparation): string => path.join(folder, 'process.json');

const descriptor = (fd: number): string => `/proc/self/fd/${fd}`;

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

/** False when nobody reads any more. */
function write(sink: number, text: string): boolean {
  try {
    writeAll(sink, text);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EPIPE') return false;
    throw error;
  }
}

/** The runtime writes the process's pid once the command was found and runs. 0 when it ended before. Takes the descriptor over. */
function readPid(fd: number): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = adoptDescriptor(fd, {
    readable: true,
    writable: false,
    onRead(bytes) {
      resolve(Number.parseInt(bytes.toString('latin1'), 10) || 0);
      socket.destroy();
    },
  });
  socket.on('error', () => {});
  socket.on('end', () => socket.destroy());
  socket.on('close', () => resolve(0));
  return promise;
}

async function endOf(spawned: Spawned, pid: Promise<number>): Promise<RuntimeEnd> {
  const code = await spawned.exited;
  const child = await pid;
  const killed = code > 128; // itself, or the process: then that one is gone
  return { code, left: killed && isAlive(child, processStartTime(child)) ? child : 0 };
}

/** Ends when the runtime has: what a child of the process still writes is read and dropped, so that it need not wait. */
function stdioOf([stdout, stderr]: readonly OutputPipe[], runtimeEnded: Promise<unknown>): AttachedStdio {
  const output = openOutput(() => output.mute());
  stdout?.read((data) => output.take('stdout', data));
  stderr?.read((data) => output.take('stderr', data));
  return {
    onOutput: output.listen,
    ended: runtimeEnded.then(() => {
      for (const pipe of [stdout, stderr]) pipe?.drain();
      output.mute();
    }),
    write: () => true,
    drained: () => Promise.resolve(),
    closeInput() {},
    detach: output.mute,
  };
}
