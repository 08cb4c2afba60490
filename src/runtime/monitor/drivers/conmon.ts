import { closeSync, constants, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../base/errors.ts';
import type { Spawned } from '../../../host/spawn.ts';
import type { Monitor } from '../contract.ts';
import { attach, openStdio } from './conmon/attach.ts';
import { createContainer } from './conmon/create.ts';
import { execDirectly, prepareDirectly, readOn, runsDirectly } from './conmon/direct-exec.ts';
import { execProcess } from './conmon/exec.ts';
import { exitOf, waitExit } from './conmon/exit.ts';
import { findMonitors } from './conmon/find.ts';
import { parseLog } from './conmon/log.ts';
import { watchMemory } from './conmon/memory.ts';
import type { OpenWriters } from './conmon/stdin.ts';

export interface ConmonOptions {
  /** The binary's absolute path. */
  readonly conmonPath: string;
}

/** The monitor `conmon`, versions 2.1 and 2.2. It keeps its files in each container's or exec's folder. */
export function createConmonMonitor(options: ConmonOptions): Monitor {
  /** Monitors that are this engine's children, by pid, until they are reaped. */
  const children = new Map<number, Promise<number>>();
  const writers: OpenWriters = new Map();
  const started = ({ pid, exited }: Spawned): void => {
    children.set(pid, exited);
    void exited.then(() => children.delete(pid));
  };
  return {
    name: 'conmon',
    create: (request) => createContainer(options.conmonPath, request, started),
    exec: (request) =>
      runsDirectly(request)
        ? execDirectly(request, started)
        : execProcess(
            options.conmonPath,
            request,
            () => openStdio(request.folder, writers).stdio,
            (rows, columns) => void command(request.folder, `1 ${rows} ${columns}`),
            started,
          ),
    prepareExec: (request) => (runsDirectly(request) ? prepareDirectly(request, started) : undefined),
    attach: (folder) => attach(folder, writers),
    resize: async (folder, rows, columns) => void command(folder, `1 ${rows} ${columns}`),
    exitOf,
    waitExit: (folder, pids, signal) => waitExit(folder, pids, children.get(pids.monitorPid), signal),
    watchMemory,
    parseLog,
    reopenLog(folder, log) {
      // conmon opens this name, and ends, with all that it holds, when it cannot: on a full disk, say.
      closeSync(openSync(`${log}.tmp`, 'w', 0o640));
      return command(folder, '2 0 0');
    },
    find: findMonitors,
    readOn,
  };
}

/**
 * Writes a command. The control FIFO stays behind when conmon ends, and then has no reader.
 * Returns false then, and when there is none.
 */
function command(folder: string, words: string): boolean {
  try {
    const fd = openSync(path.join(folder, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, `${words}\n`);
      return true;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (['ENXIO', 'ENOENT', 'EPIPE'].includes(errno)) return false;
    throw error;
  }
}
