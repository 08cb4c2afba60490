import { closeSync, constants, existsSync, fchownSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../../base/errors.ts';
import { adoptDescriptor, createPipe } from '../../../../host/adopted-fd.ts';
import { isAlive, processStartTime } from '../../../../host/process-identity.ts';
import { killTree } from '../../../../host/process-tree.ts';
import { contentOf, hasHung, memoryFile, type Spawned, spawnProgram } from '../../../../host/spawn.ts';
import { refusedByRuntime, runtimeWords } from '../../../runtime-words.ts';
import type { AttachedStdio, FoundMonitor, MonitorExec, MonitoredExec } from '../../contract.ts';
import { openOutput } from './early-output.ts';
import { baseEnvironment } from './launch.ts';
import { noteName } from './note.ts';
import { type OutputPipe, openOutputPipe } from './output-pipe.ts';

/**
 * An exec that is only watched (no terminal, no input) needs no conmon: the runtime itself stays with the process until
 * it ends, and leaves with its exit code. That is one program less to load, and no handshake.
 *
 * The process outlives the engine all the same: each end of output that it gets is open for reading too, so that a
 * write never fails for want of a reader. It waits when the pipe is full, until the next engine reads on (`readOn`).
 */
export const runsDirectly = (request: MonitorExec): boolean =>
  request.runtime.execStays === true && request.attach && !request.terminal && !request.stdin;

/**
 * Runs it. Killed before the runtime was started, the engine leaves the folder; after that a process that nobody asks
 * for any more, and that ends with the container at the latest.
 * @param started hears of the runtime's process, as soon as there is one.
 * @throws as `Monitor.exec`.
 */
export async function execDirectly(request: MonitorExec, started: (spawned: Spawned) => void): Promise<MonitoredExec> {
  const log = memoryFile();
  const pipes: OutputPipe[] = [];
  try {
    for (let i = 0; i < 2; i++) pipes.push(openOutputPipe());
    const { spawned, pid } = spawnRuntime(request, pipes, log);
    const exited = recordExit(request.folder, spawned, pid);
    started({ pid: spawned.pid, exited });
    const stdio = stdioOf(pipes, exited);
    const reported = await inTime(request, spawned, pid);
    if (reported > 0) return { pid: reported, monitorPid: spawned.pid, stdio };
    stdio.detach();
    await exited;
    const words = runtimeWords(contentOf(log));
    throw refusedByRuntime(request.runtime.name, 'exec', words, commandOf(request));
  } catch (error) {
    for (const pipe of pipes) pipe.close();
    throw error;
  } finally {
    closeSync(log);
  }
}

const commandOf = ({ process }: MonitorExec): string => (process as { args?: string[] }).args?.[0] ?? '';

/** Starts the runtime, in a session of its own: what is typed where the engine runs is not for it. */
function spawnRuntime(request: MonitorExec, pipes: readonly OutputPipe[], log: number) {
  const { folder, runtime } = request;
  const file = path.join(folder, 'process.json');
  writeFileSync(file, JSON.stringify(request.process));
  const [pidRead, pidWrite] = createPipe();
  const toClose = [pidWrite];
  try {
    const stdin = request.nullDevice === undefined ? undefined : openSync(request.nullDevice, 'r');
    if (stdin !== undefined) toClose.push(stdin);
    const [stdout, stderr] = pipes.map(({ processEnd }) => processEnd);
    if (request.pipeOwner !== undefined)
      for (const { processEnd } of pipes) fchownSync(processEnd, request.pipeOwner, -1);
    const args = [`--log=${descriptor(log)}`, 'exec', '--process', file, '--pid-file', descriptor(pidWrite)];
    const spawned = spawnProgram(runtime.path, [...runtime.globalArgs, ...args, request.containerId], {
      stdio: [stdin, stdout, stderr],
      inherit: [log, pidWrite],
      env: baseEnvironment(),
      session: true,
    });
    return { spawned, pid: readPid(pidRead) };
  } catch (error) {
    closeSync(pidRead);
    throw error;
  } finally {
    for (const fd of toClose) closeSync(fd);
    for (const pipe of pipes) pipe.closeProcessEnd();
  }
}

const descriptor = (fd: number): string => `/proc/self/fd/${fd}`;

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

/** Writes the exit code to where conmon writes it. A runtime that was killed leaves a process whose end nobody learns. */
async function recordExit(folder: string, spawned: Spawned, pid: Promise<number>): Promise<number> {
  const code = await spawned.exited;
  const child = await pid;
  if (isAlive(child, processStartTime(child))) return code;
  try {
    writeFileSync(path.join(folder, 'exit'), String(code));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error; // the container was removed
  }
  return code;
}

/** The pid. @throws unavailable when the runtime takes longer than its limit; it was killed then. */
async function inTime({ runtime }: MonitorExec, spawned: Spawned, pid: Promise<number>): Promise<number> {
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    killTree(spawned.pid);
  }, runtime.limit);
  try {
    const reported = await pid;
    if (!hung) return reported;
    await spawned.exited;
    throw hasHung(`the OCI runtime ${runtime.name}`, runtime.limit);
  } finally {
    clearTimeout(timer);
  }
}

/** Ends when the runtime has: what a child of the process still writes is read and dropped, so that it need not wait. */
function stdioOf([stdout, stderr]: readonly OutputPipe[], exited: Promise<number>): AttachedStdio {
  const output = openOutput(() => output.mute());
  stdout?.read((data) => output.take('stdout', data));
  stderr?.read((data) => output.take('stderr', data));
  return {
    onOutput: output.listen,
    ended: exited.then(() => {
      for (const pipe of [stdout, stderr]) pipe?.drain();
      output.mute();
    }),
    write: () => true,
    drained: () => Promise.resolve(),
    closeInput() {},
    detach: output.mute,
  };
}

/** See `Monitor.readOn`. A conmon, which has left a note, reads on by itself. */
export function readOn({ pid, folder }: FoundMonitor): void {
  if (existsSync(path.join(folder, noteName))) return;
  for (const number of [1, 2]) {
    let fd: number;
    try {
      fd = openSync(`/proc/${pid}/fd/${number}`, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') continue; // it ended this moment
      throw error;
    }
    const socket = adoptDescriptor(fd, { readable: true, writable: false, onRead() {} });
    socket.on('error', () => {});
    socket.on('end', () => socket.destroy());
    socket.unref();
  }
}
