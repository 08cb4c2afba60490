import { readFileSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { isAlive } from '../../host/process-identity.ts';

/**
 * Removes what crun keeps of a container whose first process has ended: one folder below its root (crun(1),
 * `--root`). `crun delete` does that and removes the control group, which the engine does for every runtime anyway;
 * as a program to load and run it costs 4 ms on the way of every exit. Returns false, having done nothing,
 * when the process lives or the state cannot be read: `crun delete` is for those.
 */
export function removeEndedState(root: string, id: string): boolean {
  const folder = path.join(root, id);
  try {
    const status = JSON.parse(readFileSync(path.join(folder, 'status'), 'utf8')) as Record<string, unknown>;
    const { pid, 'process-start-time': started } = status;
    if (typeof pid !== 'number' || typeof started !== 'number' || isAlive(pid, started)) return false;
  } catch {
    return false;
  }
  rmSync(folder, { recursive: true, force: true });
  return true;
}
