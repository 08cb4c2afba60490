import type { HostConfig } from '../../../api/types/container.ts';
import { invalid } from '../../../base/errors.ts';
import { parseBytes, parseMemorySwap } from '../../../formats/bytes.ts';
import type { ParsedFlags } from '../../flags.ts';
import { parseCpus, parseDevice, parseRateDevice, parseUlimit, parseWeightDevice } from './create-values.ts';
import { copied, copiedLists, integers, numbers } from './given-fields.ts';
import { parseGpusOption } from './gpus-option.ts';

/** What the container may use: memory, CPUs, processes, devices. @throws invalid. */
export function resourceConfig(flags: ParsedFlags): HostConfig {
  return { ...cpuAndMemory(flags), ...devices(flags) };
}

function cpuAndMemory(flags: ParsedFlags): HostConfig {
  const swappiness = flags.int('memory-swappiness');
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100))
    throw invalid(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  return {
    ...limitConfig(flags),
    ...(swappiness === -1 ? {} : { MemorySwappiness: swappiness }),
    ...integers(flags, { 'oom-score-adj': 'OomScoreAdj' }),
    ...(flags.given('oom-kill-disable') ? { OomKillDisable: flags.bool('oom-kill-disable') } : {}),
    ...(flags.given('ulimit') ? { Ulimits: lastOfEachName(flags.list('ulimit').map(parseUlimit)) } : {}),
  };
}

/** The limits that `update` can change too. */
export function limitConfig(flags: ParsedFlags): HostConfig {
  return {
    ...numbers(flags, { memory: 'Memory', 'memory-reservation': 'MemoryReservation' }, parseBytes),
    ...numbers(flags, { 'memory-swap': 'MemorySwap' }, parseMemorySwap),
    ...numbers(flags, { cpus: 'NanoCpus' }, parseCpus),
    ...integers(flags, {
      ...{ 'cpu-shares': 'CpuShares', 'cpu-period': 'CpuPeriod', 'cpu-quota': 'CpuQuota' },
      ...{ 'cpu-rt-period': 'CpuRealtimePeriod', 'cpu-rt-runtime': 'CpuRealtimeRuntime' },
      ...{ 'pids-limit': 'PidsLimit', 'blkio-weight': 'BlkioWeight' },
    }),
    ...copied(flags, { 'cpuset-cpus': 'CpusetCpus', 'cpuset-mems': 'CpusetMems' }),
  };
}

function devices(flags: ParsedFlags): HostConfig {
  const rates = (option: string, field: string, unit: 'bytes' | 'operations'): HostConfig =>
    flags.given(option) ? { [field]: flags.list(option).map((text) => parseRateDevice(text, unit)) } : {};
  return {
    ...(flags.given('gpus') ? { DeviceRequests: flags.list('gpus').map(parseGpusOption) } : {}),
    ...(flags.given('device') ? { Devices: flags.list('device').map(parseDevice) } : {}),
    ...copiedLists(flags, { 'device-cgroup-rule': 'DeviceCgroupRules' }),
    ...(flags.given('blkio-weight-device')
      ? { BlkioWeightDevice: flags.list('blkio-weight-device').map(parseWeightDevice) }
      : {}),
    ...rates('device-read-bps', 'BlkioDeviceReadBps', 'bytes'),
    ...rates('device-write-bps', 'BlkioDeviceWriteBps', 'bytes'),
    ...rates('device-read-iops', 'BlkioDeviceReadIOps', 'operations'),
    ...rates('device-write-iops', 'BlkioDeviceWriteIOps', 'operations'),
  };
}

function lastOfEachName<T extends { Name: string }>(limits: readonly T[]): T[] {
  return [...new Map(limits.map((limit) => [limit.Name, limit])).values()];
}
