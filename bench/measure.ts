import { readFileSync } from 'node:fs';

/** The middle of a list of numbers. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Milliseconds that `work` takes. */
export async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/**
 * Runs each contender once per round, in turn, so that whatever else the machine does falls on all alike.
 * Returns the milliseconds of every run, without the first `warmUp` rounds.
 */
export async function alternate(
  contenders: readonly (() => Promise<void>)[],
  rounds: number,
  warmUp = 2,
): Promise<number[][]> {
  const results: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds + warmUp; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      const milliseconds = await timed(contender);
      if (round >= warmUp) results[index]!.push(milliseconds);
    }
  }
  return results;
}

export interface Burst {
  /** Milliseconds from the first run until the machine was quiet again. */
  readonly wall: number;
  /** CPU milliseconds of the whole machine in that time, without what it uses when idle. */
  readonly cpu: number;
}

/**
 * Runs `work` and waits until everything is quiet again, so that work an engine puts off is counted: quiet is
 * the first of three windows of 100 ms in a row in which the machine is under `idleShare` busy.
 */
export async function untilQuiet(work: () => Promise<void>, idleShare = 0.04): Promise<Burst> {
  const before = busyTime();
  const began = performance.now();
  await work();
  let quiet = 0;
  let quietSince = performance.now();
  let quietBusy = busyTime();
  while (quiet < 3) {
    const windowStart = busyTime();
    const at = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const share = (busyTime() - windowStart) / (performance.now() - at);
    if (share >= idleShare) quiet = 0;
    else if (quiet++ === 0) {
      quietSince = at;
      quietBusy = windowStart;
    }
    if (performance.now() - began > 120_000) throw new Error('the machine did not become quiet within two minutes');
  }
  return { wall: quietSince - began, cpu: quietBusy - before };
}

/** CPU milliseconds, of all cores, that were not idle since boot (proc_stat(5)). */
function busyTime(): number {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]!.trim().split(/\s+/).slice(1).map(Number);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields;
  return (user + nice + system + irq + softirq) * 10;
}
