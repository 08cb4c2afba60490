import { constants, existsSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../../base/errors.ts';
import { adoptDescriptor } from '../../../../host/adopted-fd.ts';
import { killTree } from '../../../../host/process-tree.ts';
import { watchExit } from '../../../../host/process-watch.ts';
import { hasHung, type Spawned } from '../../../../host/spawn.ts';
import { refusedByRuntime, runtimeWords } from '../../../runtime-words.ts';
import type {
  ExecPreparation,
  FoundMonitor,
  MonitorExec,
  MonitorExit,
  MonitoredExec,
  PreparedExec,
} from '../../contract.ts';
import { noteName } from './note.ts';
import { startRuntime, type Telling, type WaitingRuntime } from './waiting-runtime.ts';

/**
 * An exec that is only watched (no terminal, no input) needs no conmon: the runtime itself stays with the process until
 * it ends, and leaves with its exit code. That is one program less to load, and no handshake.
 *
 * The process outlives the engine all the same: each end of output that it gets is open for reading too, so that a
 * write never fails for want of a reader. It waits when the pipe is full, until the next engine reads on (`readOn`).
 */
export const runsDirectly = (request: ExecPreparation): boolean =>
  request.runtime.execStays === true && request.attach && !request.terminal && !request.stdin;

/** Hears of each runtime that is started, as soon as there is one. */
type Started = (spawned: Spawned) => void;

/**
 * Runs it. Killed before the runtime was started, the engine leaves the folder; after that a process that nobody asks
 * for any more, and that ends with the container at the latest.
 * @throws as `Monitor.exec`.
 */
export function execDirectly(request: MonitorExec, started: Started): Promise<MonitoredExec> {
  const runtime = startRuntime(request, tellingOf(request));
  started(runtime.spawned);
  return follow(request, runtime);
}

/**
 * See `Monitor.prepareExec`. The runtime is half-way when it is told what to run: it is loaded, has found the container
 * and read its configuration and filter of system calls. Nothing of that changes while the container runs.
 */
export function prepareDirectly(preparation: ExecPreparation, started: Started): PreparedExec {
  mkdirSync(preparation.folder, { recursive: true, mode: 0o700 });
  let waiting: WaitingRuntime | undefined = startRuntime(preparation);
  started(waiting.spawned);
  const drop = (): void => {
    waiting?.drop();
    waiting = undefined;
  };
  return {
    exec(request) {
      const runtime = waiting;
      if (!runtime?.give(tellingOf(request))) {
        drop();
        return execDirectly(request, started);
      }
      waiting = undefined;
      return follow(request, runtime);
    },
    drop,
  };
}

const tellingOf = ({ process, pipeOwner }: MonitorExec): Telling => ({ text: JSON.stringify(process), pipeOwner });

/** @throws as `Monitor.exec`. */
async function follow(request: MonitorExec, runtime: WaitingRuntime): Promise<MonitoredExec> {
  const { spawned, stdio, pid } = runtime;
  try {
    const exit = exitOf(runtime);
    const reported = await inTime(request, spawned, pid);
    if (reported > 0) return { pid: reported, monitorPid: spawned.pid, stdio, exit };
    stdio.detach();
    await spawned.exited;
    throw refusedByRuntime(request.runtime.name, 'exec', runtimeWords(runtime.words()), commandOf(request));
  } catch (error) {
    runtime.drop();
    throw error;
  } finally {
    runtime.close();
  }
}

const commandOf = ({ process }: MonitorExec): string => (process as { args?: string[] }).args?.[0] ?? '';

/** The process's end. A runtime that was killed leaves a process of which nobody learns how it ended. */
async function exitOf({ ended }: WaitingRuntime): Promise<MonitorExit | 'lost'> {
  const { code, left } = await ended;
  if (left === 0) return { code, oomKilled: false, at: new Date() };
  await watchExit(left).exited;
  return 'lost';
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
