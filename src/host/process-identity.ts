import { readFileSync } from 'node:fs';

/**
 * When a process started, in clock ticks since boot (proc_pid_stat(5), field 22), or 0 when there is none.
 * A pid together with its start time names a process for good: a pid alone is used again.
 */
export function processStartTime(pid: number): number {
  const fields = statFields(pid);
  return fields ? Number(fields[19]) : 0;
}

/** True while that very process lives. A zombie does not. */
export function isAlive(pid: number, startTime: number): boolean {
  if (pid <= 0) return false;
  const fields = statFields(pid);
  return fields !== undefined && fields[0] !== 'Z' && fields[0] !== 'X' && Number(fields[19]) === startTime;
}

/**
 * True for a process that has begun to end, or is gone. The first process of a namespace takes a while for it: it waits
 * until whoever is the parent of another in there, outside, has reaped that one.
 */
export function isEnding(pid: number): boolean {
  const PF_EXITING = 0x4;
  const fields = statFields(pid);
  return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' || (Number(fields[6]) & PF_EXITING) !== 0;
}

/**
 * True for a process within execve(2), from when it has the memory of the new program until that has its arguments
 * (proc_pid_stat(5), field 51, where they and the environment end), and for one without memory: it ends, or is the kernel's.
 */
export const isBecomingProgram = (pid: number): boolean => statFields(pid)?.[48] === '0';

/** The fields after the command name, which may hold spaces and parentheses: [0] is the state, [6] the flags, [19] the start time. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
