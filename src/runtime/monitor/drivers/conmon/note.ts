import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a later engine has to know to attach to a process: kept beside conmon's own files. */
export interface MonitorNote {
  readonly monitorPid: number;
  /** How input reaches the process: not at all, through the attach socket, or through the FIFO `stdin`. */
  readonly input: 'none' | 'terminal' | 'fifo';
  /** The monitor's descriptor with the parked writer of the FIFO. */
  readonly holder?: number;
}

export const noteName = 'monitor.json';

export function writeNote(folder: string, note: MonitorNote): void {
  writeFileSync(path.join(folder, noteName), JSON.stringify(note));
}
