import { statfsSync } from 'node:fs';
import * as path from 'node:path';
import type { Logger } from '../base/log.ts';
import { reserveSpace } from '../host/reserve-space.ts';

/** What the log grows to before SQLite folds it into the database: a thousand pages. */
const most = 4.5 * 1024 * 1024;

/**
 * Keeps room on the disk for the engine's own state: when containers or images have filled it, containers can
 * still be stopped and removed, their ends are recorded, and space comes free again. A sixteenth of a small disk.
 * Where it cannot be had the engine runs without it.
 */
export function reserveState(dataRoot: string, log: Logger): void {
  try {
    const { blocks, bsize } = statfsSync(dataRoot);
    const bytes = Math.floor(Math.min(most, (blocks * bsize) / 16));
    for (const file of ['state.db', 'state.db-wal']) reserveSpace(path.join(dataRoot, file), bytes);
  } catch (error) {
    log.debug('no room was reserved for the state', { error });
  }
}
