import { statSync } from 'node:fs';
import type { HostConfig } from '../../api/types/container.ts';
import { invalid } from '../../base/errors.ts';
import { annotatedLimits } from './annotated-limits.ts';
import { checkCpuSet } from './cpu-set.ts';
import type { OciResources, OciThrottle } from './types.ts';

/** The least memory a container may be limited to, as Docker's. */
const LEAST_MEMORY = 6 * 1024 * 1024;

/**
 * `linux.resources` of a HostConfig (without devices). Only what was asked for is set.
 * @throws invalid with Docker's sentences for limits that contradict each other or are out of range.
 */
export function buildResources(host: HostConfig, cpus: number): OciResources {
  return {
    ...memory(host),
    ...cpu(host, cpus),
    ...pids(host),
    ...blockIo(host),
    ...annotatedLimits(host.Annotations ?? {}),
  };
}

function memory(host: HostConfig): OciResources {
  const limit = host.Memory ?? 0;
  const swap = host.MemorySwap ?? 0;
  const reservation = host.MemoryReservation ?? 0;
  const swappiness = host.MemorySwappiness;
  if (limit < 0) throw invalid(`invalid memory limit ${limit}: it must not be negative`);
  if (limit > 0 && limit < LEAST_MEMORY) throw invalid('Minimum memory limit allowed is 6MB');
  if (limit === 0 && swap > 0)
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  if (limit > 0 && swap > 0 && swap < limit)
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  if (reservation < 0) throw invalid(`invalid memory reservation ${reservation}: it must not be negative`);
  if (reservation > 0 && limit > 0 && limit < reservation)
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  if (swap < -1) throw invalid(`invalid memory-swap ${swap}: it is a size, or -1 for no limit`);
  if (swappiness !== undefined && (swappiness < -1 || swappiness > 100))
    throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  const result: NonNullable<OciResources['memory']> = {};
  if (limit > 0) result.limit = limit;
  if (reservation > 0) result.reservation = reservation;
  if (swap !== 0) result.swap = swap;
  else if (limit > 0) result.swap = limit * 2;
  if (swappiness !== undefined && swappiness >= 0) result.swappiness = swappiness;
  if (host.OomKillDisable) result.disableOOMKiller = true;
  return Object.keys(result).length === 0 ? {} : { memory: result };
}

function cpu(host: HostConfig, cpus: number): OciResources {
  const { CpuPeriod: period = 0, CpuQuota: quota = 0, NanoCpus: nano = 0, CpuShares: shares = 0 } = host;
  if (nano > 0 && period > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && quota > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (nano < 0 || nano > cpus * 1e9)
    throw invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  if (period !== 0 && (period < 1000 || period > 1_000_000))
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if (shares < 0) throw invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
  checkRealtime(host);
  if (host.CpusetCpus) checkCpuSet('cpus', host.CpusetCpus);
  if (host.CpusetMems) checkCpuSet('mems', host.CpusetMems);
  const result: NonNullable<OciResources['cpu']> = {};
  if (shares > 0) result.shares = shares;
  if (nano > 0) {
    result.period = 100_000;
    result.quota = Math.round(nano / 10_000);
  }
  if (period > 0) result.period = period;
  if (quota > 0) result.quota = quota;
  if (host.CpusetCpus) result.cpus = host.CpusetCpus;
  if (host.CpusetMems) result.mems = host.CpusetMems;
  if (host.CpuRealtimePeriod) result.realtimePeriod = host.CpuRealtimePeriod;
  if (host.CpuRealtimeRuntime) result.realtimeRuntime = host.CpuRealtimeRuntime;
  return Object.keys(result).length === 0 ? {} : { cpu: result };
}

function checkRealtime({ CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0 }: HostConfig): void {
  if (period < 0) throw invalid(`invalid cpu real-time period ${period}: it must not be negative`);
  if (runtime < 0) throw invalid(`invalid cpu real-time runtime ${runtime}: it must not be negative`);
  if (period > 0 && runtime > period) throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
}

/** No limit is what a new group has: 0 and negative numbers, which mean that, are not written. */
function pids(host: HostConfig): OciResources {
  const limit = host.PidsLimit ?? 0;
  return limit <= 0 ? {} : { pids: { limit } };
}

function blockIo(host: HostConfig): OciResources {
  const weight = host.BlkioWeight ?? 0;
  if (weight !== 0 && (weight < 10 || weight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000');
  const result: NonNullable<OciResources['blockIO']> = {};
  if (weight > 0) result.weight = weight;
  if (host.BlkioWeightDevice?.length) {
    result.weightDevice = host.BlkioWeightDevice.map(({ Path, Weight }) => ({ ...deviceNumber(Path), weight: Weight }));
  }
  const throttles = [
    ['throttleReadBpsDevice', host.BlkioDeviceReadBps],
    ['throttleWriteBpsDevice', host.BlkioDeviceWriteBps],
    ['throttleReadIOPSDevice', host.BlkioDeviceReadIOps],
    ['throttleWriteIOPSDevice', host.BlkioDeviceWriteIOps],
  ] as const;
  for (const [key, devices] of throttles) if (devices?.length) result[key] = devices.map(throttle);
  return Object.keys(result).length === 0 ? {} : { blockIO: result };
}

const throttle = ({ Path, Rate }: { Path: string; Rate: number }): OciThrottle => ({
  ...deviceNumber(Path),
  rate: Rate,
});

/** Major and minor of a device node on the host. @throws invalid when there is none. */
export function deviceNumber(path: string): { major: number; minor: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isBlockDevice() && !stat?.isCharacterDevice()) throw invalid(`${path}: no such device on the host`);
  return splitDevice(stat.rdev);
}

/** The two halves of a `dev_t` (makedev(3)). */
export function splitDevice(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn & 0xffffffffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}
