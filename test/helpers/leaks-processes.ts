import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { check, libc } from '../../src/host/ffi.ts';

export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  /** The arguments, or the name in brackets where there are none. */
  readonly command: string;
}

const PR_SET_CHILD_SUBREAPER = 36;
const WNOHANG = 1;

/**
 * From now on a process started below this one stays below it when its parent ends, instead of going to init: whatever
 * the tests leave running can be told from what others start. Ended orphans are reaped, as init would do; `own` names
 * the children that Node waits for itself.
 */
export function adoptOrphans(own: ReadonlySet<number>): Disposable {
  const prctl = libc('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  const reap = (): void => {
    for (const { pid, parent, state } of listProcesses()) {
      if (parent === process.pid && state === 'Z' && !own.has(pid))
        libc('int waitpid(int, void *, int)')(pid, null, WNOHANG);
    }
  };
  check(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 'prctl');
  process.on('SIGCHLD', reap);
  return {
    [Symbol.dispose]: () => {
      process.off('SIGCHLD', reap);
      prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
    },
  };
}

/** Every living process below `ancestor`, by process id. */
export function descendants(ancestor: number, all = listProcesses()): ProcessEntry[] {
  const family = new Set([ancestor]);
  for (let before = 0; before !== family.size; ) {
    before = family.size;
    for (const { pid, parent } of all) if (family.has(parent)) family.add(pid);
  }
  return all
    .filter(({ pid, state }) => pid !== ancestor && family.has(pid) && state !== 'Z')
    .sort((a, b) => a.pid - b.pid);
}

/**
 * Waits until nothing runs below this process, at most `grace` milliseconds: an engine's monitors and runtimes end a
 * moment after it.
 */
export async function settleProcesses(grace: number): Promise<void> {
  let wake = (): void => {};
  let expired = false;
  const timer = setTimeout(() => {
    expired = true;
    wake();
  }, grace);
  const childEnded = (): void => wake();
  process.on('SIGCHLD', childEnded);
  while (!expired && descendants(process.pid).length > 0) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  process.off('SIGCHLD', childEnded);
  clearTimeout(timer);
}

/** Kills everything below this process, and what that starts meanwhile, until it is gone, at most `grace` milliseconds. */
export async function killDescendants(grace: number): Promise<void> {
  for (const end = performance.now() + grace; performance.now() < end; ) {
    const left = descendants(process.pid);
    if (left.length === 0) return;
    for (const { pid } of left) libc('int kill(int, int)')(pid, constants.signals.SIGKILL);
    await settleProcesses(250);
  }
}

/** All processes, from /proc (proc(5), stat); those that end meanwhile are left out. */
export function listProcesses(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [parseStat(readFileSync(`/proc/${name}/stat`, 'utf8'), readFileSync(`/proc/${name}/cmdline`, 'utf8'))];
      } catch {
        return [];
      }
    });
}

/** The name in `stat` stands in parentheses and may itself hold any character. */
export function parseStat(stat: string, commandLine: string): ProcessEntry {
  const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
  const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const command = commandLine.split('\0').join(' ').trim() || `[${name}]`;
  return { pid: Number.parseInt(stat, 10), parent: Number(parent), state, command };
}
