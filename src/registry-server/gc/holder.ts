import { hostname } from 'node:os';
import { processExists } from '../../base/process.ts';

/** Which process wrote something. */
export interface Holder {
  readonly host: string;
  readonly pid: number;
}

export const thisProcess = (): Holder => ({ host: hostname(), pid: process.pid });

/** True for a process of this machine that is no longer there; of others nothing is known. */
export function hasEnded(holder: unknown): boolean {
  const { host, pid } = (holder ?? {}) as Partial<Holder>;
  return host === hostname() && typeof pid === 'number' && !processExists(pid);
}
