import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { FoundMonitor } from '../../contract.ts';

/** Running conmons, and runtimes in their place, whose folder is `root` or lies below it, from their command lines. A process that ends meanwhile is left out. */
export async function findMonitors(root: string): Promise<FoundMonitor[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map(async (pid) => monitorOf(Number(pid), await commandLine(pid), root)));
  return found.filter((entry) => entry !== undefined);
}

async function commandLine(pid: string): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  } catch {
    return []; // it has ended
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
