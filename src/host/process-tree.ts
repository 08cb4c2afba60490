import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';

/**
 * Kills a process and all its descendants, but for those whose parent had ended before. Each is stopped before its
 * children are looked for, so that none is made meanwhile. Does nothing when it is gone.
 */
export function killTree(pid: number): void {
  for (const each of stopTree(pid, performance.now() + patience)) signal(each, 'SIGKILL');
}

/** Milliseconds that all of a tree may take to stop. Those that cannot, since they are frozen or wait for a disk, make no others either. */
const patience = 500;

/** Kills the processes that a monitor started, whose pids only the killed engine knew, and then the monitor. */
export function killMonitorAndChildren(pid: number): void {
  for (const child of childrenOf(pid)) killTree(child);
  signal(pid, 'SIGKILL');
}

function stopTree(pid: number, deadline: number): number[] {
  if (pid <= 1 || !signal(pid, 'SIGSTOP')) return [];
  // one within fork(2) makes its child before it stops
  while (!hasStopped(pid) && performance.now() < deadline) Atomics.wait(nobody, 0, 0, 1);
  return [pid, ...childrenOf(pid).flatMap((child) => stopTree(child, deadline))];
}

/** Nobody wakes who waits for it. */
const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Of all its threads; or it has ended. */
function hasStopped(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => {
      const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'latin1');
      return 'TtZX'.includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? 'X');
    });
  } catch {
    return !signal(pid, 'SIGSTOP'); // a thread has ended, or all
  }
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** proc_tid_children(5): each thread lists what it has started. Complete for a process that is stopped. */
export function childrenOf(pid: number): number[] {
  for (;;) {
    let threads: string[] = [];
    try {
      threads = readdirSync(`/proc/${pid}/task`);
      return threads.flatMap((thread) =>
        readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
      );
    } catch (error) {
      // of a process that runs on a thread has ended: what that one had started is another one's now
      const ended = errnoOf(error) === 'ESRCH' || errnoOf(error) === 'ENOENT';
      if (!ended || threads.length <= 1) return [];
    }
  }
}
