import type { ContainerTop } from '../api/types/container-stats.ts';
import { conflict, invalid } from '../base/errors.ts';
import { type RunResult, run } from '../base/process.ts';
import { type ContainerContext, cgroupPathOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { type ContainerRecord, isRunning } from './record.ts';

/**
 * The processes of a container as the host's `ps` shows them: run with the user's options, and cut down to those in
 * the container's control group. Changes nothing.
 * @throws conflict when it does not run; invalid for options that ps refuses, or that leave the column PID out.
 */
export async function topOf(
  context: ContainerContext,
  record: ContainerRecord,
  psOptions: string,
): Promise<ContainerTop> {
  refuseRenaming(psOptions);
  if (record.state.status === 'restarting')
    throw conflict(`Container ${record.id} is restarting, wait until the container is running`);
  if (!isRunning(record)) throw conflict(`container ${record.id} is not running`, { code: 'container-not-running' });
  const pids = new Set(await context.cgroups.processes(cgroupPathOf(context, record)));
  const processes = parseProcesses(await processList(words(psOptions), pids), pids);
  context.events.publish('container', 'top', record.id, eventAttributes(record));
  return processes;
}

/** ps(1) lets any column be called PID, and the processes of the host be seen by it. @throws invalid. */
function refuseRenaming(psOptions: string): void {
  for (const [, column, title] of psOptions.matchAll(/(?:^|[\s,])(\S*?)=\s*(PID\S*)/g))
    if (column !== 'pid') throw invalid(`specifying "${column}=${title}" is not allowed`);
}

/** Asking for these processes alone is quicker, but some of ps's options cannot be used with that. */
async function processList(options: readonly string[], pids: ReadonlySet<number>): Promise<string> {
  const asked = await ps([...options, `-q${[...pids].join(',')}`]);
  if (asked.code === 0) return asked.stdout;
  const { code, stdout, stderr } = await ps(options);
  if (code === 0) return stdout;
  throw invalid(`ps: ${stderr.split('\n')[0] || `exit status ${code}`}`);
}

/** Of the engine's surroundings only what ps needs: COLUMNS and others would change what it prints. */
const ps = (args: readonly string[]): Promise<RunResult> =>
  run('ps', args, { env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }, timeout: 30_000 });

const words = (text: string): string[] => text.split(/[ \t\n\v\f\r]+/).filter((word) => word !== '');

/**
 * Columns and rows of what ps printed. The last column takes the rest of its line. Lines of threads, whose PID is
 * "-", belong to the process above them. @throws invalid without a column PID.
 */
export function parseProcesses(output: string, pids: ReadonlySet<number>): ContainerTop {
  const [head = '', ...lines] = output.split('\n');
  const titles = words(head);
  const column = titles.indexOf('PID');
  if (column < 0) throw invalid("Couldn't find PID field in ps output");
  const rows: string[][] = [];
  let inside = false;
  for (const line of lines) {
    const fields = words(line);
    if (fields.length === 0) continue;
    const pid = fields[column] ?? '';
    if (pid !== '-') {
      if (!/^\d+$/.test(pid)) throw invalid(`Unexpected pid '${pid}' in ps output`);
      inside = pids.has(Number(pid));
    }
    if (inside) rows.push([...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]);
  }
  return { Titles: titles, Processes: rows };
}
