import type { CgroupStats } from './contract.ts';

/** The text of one of a group's files, or undefined when the group has no such file. */
export type ReadFile = (name: string) => string | undefined;

/** Files of a v1 group, by controller: all that `parseV1` reads. */
export const v1Files = {
  cpuacct: ['cpuacct.usage', 'cpuacct.usage_user', 'cpuacct.usage_sys'],
  cpu: ['cpu.stat'],
  memory: ['memory.usage_in_bytes', 'memory.limit_in_bytes', 'memory.stat'],
  pids: ['pids.current', 'pids.max'],
  blkio: ['blkio.throttle.io_service_bytes_recursive', 'blkio.throttle.io_serviced_recursive'],
} as const;

/** Files of a v2 group: all that `parseV2` reads. */
export const v2Files = [
  'cpu.stat',
  'memory.current',
  'memory.max',
  'memory.stat',
  'pids.current',
  'pids.max',
  'io.stat',
] as const;

/** Use of a group from the files of v1 controllers (kernel documentation, admin-guide/cgroup-v1). */
export function parseV1(read: ReadFile): CgroupStats {
  const cpu = keyed(read('cpu.stat'));
  const memory = keyed(read('memory.stat'));
  const counts = perDevice(read('blkio.throttle.io_serviced_recursive'));
  return {
    cpu: {
      total: big(read('cpuacct.usage')),
      user: big(read('cpuacct.usage_user')),
      system: big(read('cpuacct.usage_sys')),
      periods: Number(cpu.get('nr_periods') ?? 0n),
      throttledPeriods: Number(cpu.get('nr_throttled') ?? 0n),
      throttledTime: cpu.get('throttled_time') ?? 0n,
    },
    memory: {
      usage: Number(big(read('memory.usage_in_bytes'))),
      limit: limitOf(read('memory.limit_in_bytes')),
      cache: Number(memory.get('cache') ?? 0n),
      details: numbers(memory),
    },
    pids: pidsOf(read),
    blkio: [...perDevice(read('blkio.throttle.io_service_bytes_recursive'))].map(([key, bytes]) => ({
      ...split(key),
      bytes,
      count: counts.get(key) ?? 0,
    })),
  };
}

/** Use of a group from the files of a v2 group (kernel documentation, admin-guide/cgroup-v2). */
export function parseV2(read: ReadFile): CgroupStats {
  const cpu = keyed(read('cpu.stat'));
  const memory = keyed(read('memory.stat'));
  const microseconds = (name: string): bigint => (cpu.get(name) ?? 0n) * 1000n;
  return {
    cpu: {
      total: microseconds('usage_usec'),
      user: microseconds('user_usec'),
      system: microseconds('system_usec'),
      periods: Number(cpu.get('nr_periods') ?? 0n),
      throttledPeriods: Number(cpu.get('nr_throttled') ?? 0n),
      throttledTime: microseconds('throttled_usec'),
    },
    memory: {
      usage: Number(big(read('memory.current'))),
      limit: limitOf(read('memory.max')),
      cache: Number(memory.get('file') ?? 0n),
      details: numbers(memory),
    },
    pids: pidsOf(read),
    blkio: ioStat(read('io.stat')),
  };
}

/** No limit is "max" in v2, and the largest page-aligned number in v1; both are told as 0. */
function limitOf(text: string | undefined): number {
  const value = text === undefined || text.startsWith('max') ? 0n : big(text);
  return value >= 0x7fff_ffff_ffff_0000n ? 0 : Number(value);
}

function pidsOf(read: ReadFile): CgroupStats['pids'] {
  const max = read('pids.max')?.trim();
  const limit = max === undefined || max === 'max' || max === '' ? undefined : Number(max);
  return { current: Number(big(read('pids.current'))), limit };
}

const big = (text: string | undefined): bigint => BigInt(/^\d+/.exec(text ?? '')?.[0] ?? 0);

/** Lines of `name value`. */
function keyed(text: string | undefined): Map<string, bigint> {
  const values = new Map<string, bigint>();
  for (const line of (text ?? '').split('\n')) {
    const [name, value] = line.split(' ');
    if (name && value !== undefined && /^\d+$/.test(value)) values.set(name, BigInt(value));
  }
  return values;
}

const numbers = (values: Map<string, bigint>): Record<string, number> =>
  Object.fromEntries([...values].map(([name, value]) => [name, Number(value)]));

/** Lines of `8:0 Read 4096`, as `8:0 read` to bytes or counts. */
function perDevice(text: string | undefined): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of (text ?? '').split('\n')) {
    const found = /^(\d+:\d+) (Read|Write) (\d+)$/.exec(line);
    if (found) values.set(`${found[1]} ${found[2]!.toLowerCase()}`, Number(found[3]));
  }
  return values;
}

function split(key: string): { device: string; operation: 'read' | 'write' } {
  const [device = '', operation] = key.split(' ');
  return { device, operation: operation === 'write' ? 'write' : 'read' };
}

/** Lines of `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`. */
function ioStat(text: string | undefined): CgroupStats['blkio'] {
  return (text ?? '').split('\n').flatMap((line) => {
    const [device = '', ...fields] = line.split(' ');
    const values = new Map(fields.map((field) => field.split('=') as [string, string]));
    const number = (name: string): number => Number(values.get(name) ?? 0);
    if (!values.has('rbytes')) return [];
    return [
      { device, operation: 'read' as const, bytes: number('rbytes'), count: number('rios') },
      { device, operation: 'write' as const, bytes: number('wbytes'), count: number('wios') },
    ];
  });
}
