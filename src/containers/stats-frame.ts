import { totalmem } from 'node:os';
import type { BlkioStat, ContainerStats, CpuStats, MemoryStats, NetworkStats } from '../api/types/container-stats.ts';
import type { BlkioEntry, CgroupStats } from '../host/cgroup/contract.ts';
import type { CpuTime } from '../host/cpu-time.ts';
import type { InterfaceCounters } from '../host/interface-counters.ts';
import { zeroTime } from './record.ts';

/** What was measured of a container at one moment. */
export interface Measured {
  readonly use: CgroupStats;
  readonly host: CpuTime;
  readonly interfaces: ReadonlyMap<string, InterfaceCounters>;
}

/** A frame without the one before it: `completeFrame` adds that. */
export type Sample = Omit<ContainerStats, 'preread' | 'precpu_stats'>;

const noCpu: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

const noBlkio: ContainerStats['blkio_stats'] = {
  io_service_bytes_recursive: null,
  io_serviced_recursive: null,
  io_queue_recursive: null,
  io_service_time_recursive: null,
  io_wait_time_recursive: null,
  io_merged_recursive: null,
  io_time_recursive: null,
  sectors_recursive: null,
};

/** A frame as clients get it: a sample and, of the one before, what the share of the processors is computed from. */
export function completeFrame(sample: Sample, before: Sample | undefined): ContainerStats {
  return { ...sample, preread: before?.read ?? zeroTime, precpu_stats: before?.cpu_stats ?? noCpu };
}

/** What Docker says of a container that does not run. */
export const emptySample = (id: string, name: string): Sample => ({
  id,
  name: `/${name}`,
  os_type: 'linux',
  read: zeroTime,
  pids_stats: {},
  blkio_stats: noBlkio,
  num_procs: 0,
  storage_stats: {},
  cpu_stats: noCpu,
  memory_stats: {},
});

/** A measurement in the shape of the API. */
export function sampleOf(id: string, name: string, { use, host, interfaces }: Measured): Sample {
  const { pids, blkio } = use;
  return {
    ...emptySample(id, name),
    read: new Date().toISOString(),
    pids_stats: { current: pids.current, ...(pids.limit === undefined ? {} : { limit: pids.limit }) },
    blkio_stats: {
      ...(blkio.operations === undefined ? noBlkio : emptyLists),
      io_service_bytes_recursive: blkio.bytes.map(blkioStat),
      ...(blkio.operations === undefined ? {} : { io_serviced_recursive: blkio.operations.map(blkioStat) }),
    },
    cpu_stats: cpuStats(use.cpu, host),
    memory_stats: memoryStats(use.memory),
    ...(interfaces.size === 0 ? {} : { networks: networkStats(interfaces) }),
  };
}

/** Docker's engine says `[]` of what v1 could count and this kernel does not, and `null` on v2. */
const emptyLists = Object.fromEntries(Object.keys(noBlkio).map((field) => [field, []])) as unknown as typeof noBlkio;

const blkioStat = ({ major, minor, operation, value }: BlkioEntry): BlkioStat => ({
  major,
  minor,
  op: operation,
  value,
});

function cpuStats(cpu: CgroupStats['cpu'], host: CpuTime): CpuStats {
  return {
    cpu_usage: {
      total_usage: cpu.total,
      ...(cpu.perCpu === undefined ? {} : { percpu_usage: cpu.perCpu }),
      usage_in_kernelmode: cpu.system,
      usage_in_usermode: cpu.user,
    },
    system_cpu_usage: host.total,
    online_cpus: host.online,
    throttling_data: {
      periods: cpu.periods,
      throttled_periods: cpu.throttledPeriods,
      throttled_time: cpu.throttledTime,
    },
  };
}

/** Without a limit, or with one above it, the limit is the machine's memory. */
function memoryStats({ usage, peak, limit, failures, details }: CgroupStats['memory']): MemoryStats {
  const machine = totalmem();
  return {
    usage,
    ...(peak === undefined ? {} : { max_usage: peak }),
    stats: exactly(details),
    ...(failures === 0 ? {} : { failcnt: failures }),
    limit: limit === 0 || limit > machine ? machine : limit,
  };
}

/** TypeScript's library does not know this function of V8's yet. */
const rawJson = (text: string): number => (JSON as unknown as { rawJSON(text: string): number }).rawJSON(text);

/** Numbers beyond 2^53, such as the kernel's "no limit", go out digit for digit and not as JavaScript shortens them. */
function exactly(details: Readonly<Record<string, number>>): Record<string, number> {
  const exact = { ...details };
  for (const [name, value] of Object.entries(exact))
    if (value > Number.MAX_SAFE_INTEGER) exact[name] = rawJson(String(BigInt(value)));
  return exact;
}

function networkStats(interfaces: Measured['interfaces']): Record<string, NetworkStats> {
  return Object.fromEntries(
    [...interfaces].map(([name, { received, sent }]) => [
      name,
      {
        rx_bytes: received.bytes,
        rx_packets: received.packets,
        rx_errors: received.errors,
        rx_dropped: received.dropped,
        tx_bytes: sent.bytes,
        tx_packets: sent.packets,
        tx_errors: sent.errors,
        tx_dropped: sent.dropped,
      },
    ]),
  );
}
