import { closeSync, constants, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import path from 'node:path';
import { errnoOf } from '../../base/errors.ts';

/**
 * Starts a created container as `crun start` does (crun 1.0 and later): its process waits for a byte in the FIFO
 * `exec.fifo` of the folder that crun keeps of it; the FIFO's name is removed, which is what tells `created`
 * from `running`, and the byte is written. As a program to load and run that costs 4 ms on the way of
 * every start. Returns false, having done nothing, when nobody waits there or a hook is to run after the start:
 * `crun start` is for those, and has the words for what is wrong.
 */
export function startWaiting(root: string, id: string): boolean {
  const folder = path.join(root, id);
  if (hasPoststartHook(folder)) return false;
  const fifo = path.join(folder, 'exec.fifo');
  let fd: number;
  try {
    fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    // ENXIO: the FIFO has no reader
    if (['ENOENT', 'ENXIO'].includes(errnoOf(error) ?? '')) return false;
    throw error;
  }
  try {
    unlinkSync(fifo);
    writeSync(fd, Buffer.alloc(1));
    return true;
  } finally {
    closeSync(fd);
  }
}

/** True also when crun's copy of the configuration cannot be read. */
function hasPoststartHook(folder: string): boolean {
  try {
    return readFileSync(path.join(folder, 'config.json')).includes('"poststart"');
  } catch {
    return true;
  }
}
