import { readFileSync } from 'node:fs';
import { invalid } from '../../base/errors.ts';

/** Where the kernel lists what a set may name (cpuset(7), "List format"). */
const online = {
  cpus: '/sys/devices/system/cpu/online',
  mems: '/sys/devices/system/node/online',
} as const;

/** What Docker calls each of the two in its sentences. */
const words = { cpus: 'CPUs', mems: 'memory nodes' } as const;

/** @throws invalid, in Docker's words, for a text that is no list of CPUs or memory nodes, or names one that is not there. */
export function checkCpuSet(kind: 'cpus' | 'mems', text: string): void {
  const asked = parseList(text);
  if (!asked) throw invalid(`Invalid value ${text.slice(0, 100)} for cpuset ${kind}`);
  const there = available(kind);
  const has = (number: number): boolean =>
    parseList(there)?.some(([from, to]) => number >= from && number <= to) ?? false;
  // The ends are enough: what lies between is checked by the kernel, and no list is written out.
  if (!asked.every(([from, to]) => has(from) && has(to)))
    throw invalid(`Requested ${words[kind]} are not available - requested ${text.slice(0, 100)}, available: ${there}`);
}

/** How many CPUs the engine may run on, which is what Docker counts (proc_pid_status(5)). */
export function countCpus(): number {
  const allowed = /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const ranges = parseList(allowed ?? available('cpus')) ?? [];
  return ranges.reduce((count, [from, to]) => count + to - from + 1, 0);
}

/** `0-2,4` as ranges; undefined for what is no such list. */
function parseList(text: string): [from: number, to: number][] | undefined {
  const ranges: [number, number][] = [];
  for (const part of text.split(',')) {
    const [, first, last] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(part) ?? [];
    if (first === undefined) return undefined;
    const range: [number, number] = [Number(first), Number(last ?? first)];
    if (range[1] < range[0]) return undefined;
    ranges.push(range);
  }
  return ranges;
}

function available(kind: 'cpus' | 'mems'): string {
  try {
    return readFileSync(online[kind], 'utf8').trim();
  } catch {
    return '0'; // a kernel without NUMA has one node and no such file
  }
}
