import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';

const O_PATH = 0o10000000;

/**
 * Opens the root folder of a process (O_PATH): with openat2(2) beneath it, files are seen as that process sees them,
 * mounts included, for as long as its mount namespace lives. Undefined when that very process, told by its start time
 * (proc_pid_stat(5), field 22), is gone: the pid may be another's by then. The caller closes it.
 */
export function openProcessRoot(pid: number, startTime: number): number | undefined {
  return openProcessFile(pid, startTime, 'root', O_PATH | fs.constants.O_DIRECTORY);
}

/** Opens a file of that very process below /proc/PID, such as `ns/net`. As `openProcessRoot`. */
export function openProcessFile(pid: number, startTime: number, file: string, flags: number): number | undefined {
  if (pid <= 0) return undefined;
  let folder: number | undefined;
  try {
    // what is looked up below this descriptor is of one process, or of none
    folder = fs.openSync(`/proc/${pid}`, O_PATH | fs.constants.O_DIRECTORY);
    const stat = fs.readFileSync(`/proc/self/fd/${folder}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(fields[19]) !== startTime) return undefined;
    return fs.openSync(`/proc/self/fd/${folder}/${file}`, flags);
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  } finally {
    if (folder !== undefined) fs.closeSync(folder);
  }
}
