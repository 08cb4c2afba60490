import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../../../base/errors.ts';
import { watchExit } from '../../../../host/process-watch.ts';
import type { MonitorExit, Watched } from '../../contract.ts';

/** The end that conmon recorded in `folder`, or undefined. It writes the file under another name and renames it. */
export function exitOf(folder: string): MonitorExit | undefined {
  const file = path.join(folder, 'exit');
  try {
    const text = readFileSync(file, 'utf8');
    const { mtime } = statSync(file);
    // -1 is conmon's word for an end that it could not learn.
    const code = Number.parseInt(text, 10);
    return { code: code >= 0 && code <= 255 ? code : 255, oomKilled: existsSync(path.join(folder, 'oom')), at: mtime };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * conmon records the exit and ends: its end is the signal, and the file the fact. When it ends without a file
 * (SIGKILL), the process may go on; its own end is waited for, and then nobody knows how it ended.
 * @param monitorEnded resolves when a monitor that is this engine's child was reaped.
 */
export async function waitExit(
  folder: string,
  pids: Watched,
  monitorEnded: Promise<unknown> | undefined,
  signal: AbortSignal,
): Promise<MonitorExit | 'lost'> {
  if (pids.exit) return await unlessAborted(pids.exit, signal);
  await ended(pids.monitorPid, monitorEnded, signal);
  const recorded = exitOf(folder);
  if (recorded) return recorded;
  await ended(pids.pid, undefined, signal);
  return exitOf(folder) ?? 'lost';
}

async function ended(pid: number, reaped: Promise<unknown> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const watch = reaped === undefined ? watchExit(pid) : { exited: reaped, dispose() {} };
  try {
    await unlessAborted(watch.exited, signal);
  } finally {
    watch.dispose();
  }
}

/** @throws the signal's reason, when it aborts first. */
async function unlessAborted<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([awaited, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
