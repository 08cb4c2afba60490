import { readFileSync } from 'node:fs';
import type { Engine } from './engines.ts';

const interval = 50;

/** The most memory in MB that an engine's daemon had its share of (PSS, proc_pid_smaps(5)) while `work` ran. */
export async function peakMemory(engine: Engine, work: () => Promise<void>): Promise<number> {
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, proportionalSize(engine.pid));
  };
  const timer = setInterval(look, interval);
  try {
    await work();
    look();
  } finally {
    clearInterval(timer);
  }
  return peak / 1e6;
}

/** Bytes. */
export function proportionalSize(pid: number | undefined): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}
