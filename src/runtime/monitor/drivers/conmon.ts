import { closeSync, constants, openSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../base/errors.ts';
import type { Monitor } from '../contract.ts';
import { attach, openStdio } from './conmon/attach.ts';
import { createContainer } from './conmon/create.ts';
import { execProcess } from './conmon/exec.ts';
import { exitOf, waitExit } from './conmon/exit.ts';
import { findMonitors } from './conmon/find.ts';
import type { Launched } from './conmon/launch.ts';
import { parseLog } from './conmon/log.ts';
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
  const started = (launched: Launched): void => {
    children.set(launched.pid, launched.exited);
    void launched.exited.then(() => children.delete(launched.pid));
  };
  return {
    name: 'conmon',
    create: (request) => createContainer(options.conmonPath, request, started),
    exec: (request) =>
      execProcess(
        options.conmonPath,
        request,
        () => openStdio(request.folder, writers).stdio,
        (rows, columns) => resize(request.folder, rows, columns),
        started,
      ),
    attach: (folder) => attach(folder, writers),
    resize: async (folder, rows, columns) => resize(folder, rows, columns),
    exitOf,
    waitExit: (folder, pids, signal) => waitExit(folder, pids, children.get(pids.monitorPid), signal),
    parseLog,
    find: findMonitors,
  };
}

/** The control FIFO stays behind when conmon ends, and then has no reader. */
function resize(folder: string, rows: number, columns: number): void {
  try {
    const fd = openSync(path.join(folder, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, `1 ${rows} ${columns}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENXIO' && errnoOf(error) !== 'ENOENT') throw error;
  }
}
