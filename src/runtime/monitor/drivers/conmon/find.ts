import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { FoundMonitor } from '../../contract.ts';

/** Running conmons, and runtimes in their place, whose folder is `root` or lies below it, from their command lines. A process that ends meanwhile is left out. */
export async function findMonitors(root: string): Promise<FoundMonitor[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid) => monitorOf(Number(pid), await commandLine(pid), root)));
  return found.filter((entry) => entry !== undefined);
}

/** Milliseconds that a process may take to become the program it is to run. One that has hidden its command line takes all of them. */
const patience = 250;

/** Empty when it has ended, or is the kernel's own. */
async function commandLine(pid: string): Promise<string[]> {
  const deadline = performance.now() + patience;
  try {
    for (;;) {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8');
      if (text !== '') return text.split('\0');
      await readlink(`/proc/${pid}/exe`);
      if (performance.now() > deadline) return [];
      await wait(1); // in execve(2), which runtimes call twice, it has a program and no command line yet
    }
  } catch {
    return [];
  }
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
