import type { KeptFile } from './kept-file.ts';

/** The host's processors: time since boot in nanoseconds over all of them, idle time included, and how many are online. */
export interface CpuTime {
  readonly total: number;
  readonly online: number;
}

/** USER_HZ of every Linux architecture (time(7)). */
const ticksPerSecond = 100;

/** Reads /proc/stat (proc_stat(5)): the first seven of the first line's fields, since guests' time is in user time already. */
export function readCpuTime(procStat: KeptFile): CpuTime {
  const text = procStat.read() ?? '';
  const fields = text.slice(0, text.indexOf('\n')).split(/\s+/).slice(1, 8);
  const ticks = fields.reduce((sum, field) => sum + Number(field), 0);
  let online = 0;
  for (let at = text.indexOf('\ncpu'); at >= 0; at = text.indexOf('\ncpu', at + 4)) online += 1;
  return { total: ticks * (1e9 / ticksPerSecond), online };
}
