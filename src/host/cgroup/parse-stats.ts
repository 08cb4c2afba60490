import type { BlkioEntry, CgroupStats } from './contract.ts';

/** The text of one of a group's files, or undefined when the group has no such file. */
export type ReadFile = (name: string) => string | undefined;

/** Files of a v1 group, by controller: all that `parseV1` reads. */
export const v1Files = {
  cpuacct: ['cpuacct.usage', 'cpuacct.usage_user', 'cpuacct.usage_sys', 'cpuacct.usage_percpu'],
  cpu: ['cpu.stat'],
  memory: [
    ...['memory.usage_in_bytes', 'memory.max_usage_in_bytes', 'memory.limit_in_bytes', 'memory.failcnt'],
    'memory.stat',
  ],
  pids: ['pids.current', 'pids.max'],
  blkio: ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'],
} as const;

/** Files of a v2 group: all that `parseV2` reads. */
export const v2Files = [
  ...['cpu.stat', 'memory.current', 'memory.max', 'memory.stat', 'memory.events'],
  ...['pids.current', 'pids.max', 'io.stat'],
] as const;

/** Use of a group from the files of v1 controllers (kernel documentation, admin-guide/cgroup-v1). */
export function parseV1(read: ReadFile): CgroupStats {
  const cpu = keyed(read('cpu.stat'));
  return {
    cpu: {
      total: number(read('cpuacct.usage')),
      user: number(read('cpuacct.usage_user')),
      system: number(read('cpuacct.usage_sys')),
      perCpu: words(read('cpuacct.usage_percpu')).map(Number),
      periods: cpu['nr_periods'] ?? 0,
      throttledPeriods: cpu['nr_throttled'] ?? 0,
      throttledTime: cpu['throttled_time'] ?? 0,
    },
    memory: {
      usage: number(read('memory.usage_in_bytes')),
      peak: number(read('memory.max_usage_in_bytes')),
      limit: limitOf(read('memory.limit_in_bytes')),
      failures: number(read('memory.failcnt')),
      details: keyed(read('memory.stat')),
    },
    pids: pidsOf(read),
    blkio: {
      bytes: perDevice(read('blkio.throttle.io_service_bytes_recursive')),
      operations: perDevice(read('blkio.throttle.io_serviced_recursive')),
    },
  };
}

/** Use of a group from the files of a v2 group (kernel documentation, admin-guide/cgroup-v2). */
export function parseV2(read: ReadFile): CgroupStats {
  const cpu = keyed(read('cpu.stat'));
  const nanoseconds = (name: string): number => (cpu[name] ?? 0) * 1000;
  return {
    cpu: {
      total: nanoseconds('usage_usec'),
      user: nanoseconds('user_usec'),
      system: nanoseconds('system_usec'),
      perCpu: undefined,
      periods: cpu['nr_periods'] ?? 0,
      throttledPeriods: cpu['nr_throttled'] ?? 0,
      throttledTime: nanoseconds('throttled_usec'),
    },
    memory: {
      usage: number(read('memory.current')),
      peak: undefined,
      limit: limitOf(read('memory.max')),
      failures: keyed(read('memory.events'))['oom'] ?? 0,
      details: keyed(read('memory.stat')),
    },
    pids: pidsOf(read),
    blkio: { bytes: ioStat(read('io.stat')), operations: undefined },
  };
}

/** No limit is "max" in v2, and the largest page-aligned number in v1; both are told as 0. */
function limitOf(text: string | undefined): number {
  const value = number(text);
  return value >= 0x7fff_ffff_ffff_0000 ? 0 : value;
}

function pidsOf(read: ReadFile): CgroupStats['pids'] {
  const limit = number(read('pids.max'));
  return { current: number(read('pids.current')), limit: limit === 0 ? undefined : limit };
}

/** The number a file begins with; 0 for "max" and for a file that is not there. */
function number(text: string | undefined): number {
  const value = Number.parseInt(text ?? '', 10);
  return Number.isNaN(value) ? 0 : value;
}

const words = (text: string | undefined): string[] => (text ?? '').split(' ').filter((word) => word.trim() !== '');

/** Lines of `name value`. */
function keyed(text: string | undefined): Record<string, number> {
  const values: Record<string, number> = {};
  for (const line of (text ?? '').split('\n')) {
    const blank = line.indexOf(' ');
    const value = Number(line.slice(blank + 1));
    if (blank > 0 && !Number.isNaN(value)) values[line.slice(0, blank)] = value;
  }
  return values;
}

/** Lines of `8:0 Read 4096`, and a last one that sums up all devices. */
function perDevice(text: string | undefined): BlkioEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const found = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    return found
      ? [{ major: Number(found[1]), minor: Number(found[2]), operation: found[3]!, value: Number(found[4]) }]
      : [];
  });
}

/** Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. */
function ioStat(text: string | undefined): BlkioEntry[] {
  return (text ?? '').split('\n').flatMap((line) => {
    const found = /^(\d+):(\d+) .*?rbytes=(\d+) wbytes=(\d+)/.exec(line);
    if (!found) return [];
    const device = { major: Number(found[1]), minor: Number(found[2]) };
    return [
      { ...device, operation: 'read', value: Number(found[3]) },
      { ...device, operation: 'write', value: Number(found[4]) },
    ];
  });
}
