import { readdirSync, readFileSync } from 'node:fs';
import { errnoOf } from '../base/errors.ts';

/**
 * Kills a process and all its descendants, but for those whose parent had ended before. Each is stopped before its
 * children are looked for, so that none is made meanwhile. Does nothing when it is gone.
 */
export function killTree(pid: number): void {
  for (const each of stopTree(pid)) signal(each, 'SIGKILL');
}

/** Kills the processes that a monitor started, whose pids only the killed engine knew, and then the monitor. */
export function killMonitorAndChildren(pid: number): void {
  for (const child of childrenOf(pid)) killTree(child);
  signal(pid, 'SIGKILL');
}

function stopTree(pid: number): number[] {
  if (pid <= 1 || !signal(pid, 'SIGSTOP')) return [];
  return [pid, ...childrenOf(pid).flatMap(stopTree)];
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
