import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Running conmons whose bundle is `root` or lies below it, from their command lines. A process that ends meanwhile is left out. */
export async function findMonitors(root: string): Promise<{ pid: number; id: string; folder: string }[]> {
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

function monitorOf(pid: number, args: readonly string[], root: string) {
  if (path.basename(args[0] ?? '') !== 'conmon') return undefined;
  const id = args[args.indexOf('-c') + 1];
  const folder = args[args.indexOf('-b') + 1];
  if (id === undefined || folder === undefined || !`${folder}/`.startsWith(`${root}/`)) return undefined;
  return { pid, id, folder };
}
