import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isBecomingProgram } from '../../../../host/process-identity.ts';
import type { FoundMonitor } from '../../contract.ts';

/** What is asked of processes; each but the first rejects, or is false, for one that has ended. */
export interface ProcessTable {
  pids(): Promise<string[]>;
  commandLine(pid: string): Promise<string>;
  /** Rejects for the kernel's own. */
  program(pid: string): Promise<string>;
  isBecomingProgram(pid: string): boolean;
}

const proc: ProcessTable = {
  pids: async () => (await readdir('/proc')).filter((name) => /^\d+$/.test(name)),
  commandLine: (pid) => readFile(`/proc/${pid}/cmdline`, 'utf8'),
  program: (pid) => readlink(`/proc/${pid}/exe`),
  isBecomingProgram: (pid) => isBecomingProgram(Number(pid)),
};

/** Running conmons, and runtimes in their place, whose folder is `root` or lies below it, from their command lines. A process that ends meanwhile is left out. */
export async function findMonitors(root: string, table = proc): Promise<FoundMonitor[]> {
  const pids = await table.pids();
  const found = await Promise.all(pids.map(async (pid) => monitorOf(Number(pid), await commandLine(table, pid), root)));
  return found.filter((entry) => entry !== undefined);
}

/** Milliseconds that a process may take to become the program it is to run, where the machine is slow. */
const patience = 10_000;
/** Looks at a process that is a program and has no command line: more than one, as it may begin another in between. */
const looks = 5;

/** Empty when it has ended, has hidden it, or is the kernel's own. */
async function commandLine(table: ProcessTable, pid: string): Promise<string[]> {
  const deadline = performance.now() + patience;
  try {
    for (let hidden = 0; hidden < looks && performance.now() < deadline; ) {
      const text = await table.commandLine(pid);
      if (text !== '') return text.split('\0');
      await table.program(pid);
      if (!table.isBecomingProgram(pid)) hidden += 1;
      await wait(1); // in execve(2), which runtimes call twice, it has a program and no command line yet
    }
  } catch {} // it has ended, or is the kernel's own
  return [];
}

function monitorOf(pid: number, args: readonly string[], root: string): FoundMonitor | undefined {
  const found = path.basename(args[0] ?? '') === 'conmon' ? conmonOf(args) : directExecOf(args);
  if (!found?.id || !`${found.folder}/`.startsWith(`${root}/`)) return undefined;
  return { pid, id: found.id, folder: found.folder };
}

const conmonOf = (args: readonly string[]) => ({
  id: args[args.indexOf('-c') + 1],
  folder: args[args.indexOf('-b') + 1] ?? '',
});

/** A runtime that stays with its exec (`direct-exec.ts`): `... exec --process FILE --pid-file FILE ID`. */
function directExecOf(args: readonly string[]) {
  const [verb, option, file = '', , , id] = args.slice(args.lastIndexOf('--process') - 1);
  if (verb !== 'exec' || option !== '--process') return undefined;
  return { id, folder: path.dirname(file) };
}
