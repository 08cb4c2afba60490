import type { HostConfig } from '../api/types/container.ts';
import type { DeviceRequestModel } from '../formats/compose-file/deploy-model.ts';
import type { ServiceModel } from '../formats/compose-file/model.ts';

/** What of a service limits its containers, as fields of `HostConfig`. */
export function resourceConfig(service: ServiceModel): HostConfig {
  const { limits, reservations } = service.deploy?.resources ?? {};
  const cpus = service.cpus ?? limits?.cpus;
  const memory = service.mem_limit ?? limits?.memory;
  const reserved = service.mem_reservation ?? reservations?.memory;
  const pids = service.pids_limit ?? limits?.pids;
  const devices = [...(service.gpus ?? []).map(withGpu), ...(reservations?.devices ?? [])];
  return withoutUndefined({
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    Memory: memory === undefined ? undefined : Number(memory),
    MemoryReservation: reserved === undefined ? undefined : Number(reserved),
    MemorySwap: service.memswap_limit === undefined ? undefined : Number(service.memswap_limit),
    MemorySwappiness: service.mem_swappiness,
    PidsLimit: pids,
    CpuCount: service.cpu_count,
    CpuPercent: service.cpu_percent,
    CpuPeriod: service.cpu_period,
    CpuQuota: service.cpu_quota,
    CpuRealtimePeriod: service.cpu_rt_period,
    CpuRealtimeRuntime: service.cpu_rt_runtime,
    CpuShares: service.cpu_shares,
    CpusetCpus: service.cpuset,
    CgroupParent: service.cgroup_parent,
    OomKillDisable: service.oom_kill_disable,
    OomScoreAdj: service.oom_score_adj,
    Ulimits: service.ulimits && ulimits(service.ulimits),
    DeviceRequests: devices.length > 0 ? devices.map(deviceRequest) : undefined,
    ...blkio(service),
  });
}

const ulimits = (given: NonNullable<ServiceModel['ulimits']>): NonNullable<HostConfig['Ulimits']> =>
  Object.entries(given).map(([Name, limit]) =>
    typeof limit === 'number' ? { Name, Soft: limit, Hard: limit } : { Name, Soft: limit.soft, Hard: limit.hard },
  );

const withGpu = (request: DeviceRequestModel): DeviceRequestModel => ({
  ...request,
  capabilities: [...new Set([...(request.capabilities ?? []), 'gpu'])],
});

const deviceRequest = (request: DeviceRequestModel): NonNullable<HostConfig['DeviceRequests']>[number] =>
  withoutUndefined({
    Driver: request.driver,
    Count: request.count ?? (request.device_ids ? undefined : -1),
    DeviceIDs: request.device_ids && [...request.device_ids],
    Capabilities: request.capabilities && [[...request.capabilities]],
    Options: request.options && { ...request.options },
  });

function blkio(service: ServiceModel): { [key in keyof HostConfig]: HostConfig[key] | undefined } {
  const config = service.blkio_config;
  const rates = (list: readonly { path: string; rate: string }[] | undefined) =>
    list?.map(({ path, rate }) => ({ Path: path, Rate: Number(rate) }));
  return {
    BlkioWeight: config?.weight,
    BlkioWeightDevice: config?.weight_device?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(config?.device_read_bps),
    BlkioDeviceReadIOps: rates(config?.device_read_iops),
    BlkioDeviceWriteBps: rates(config?.device_write_bps),
    BlkioDeviceWriteIOps: rates(config?.device_write_iops),
  };
}

/** Without the fields that are undefined. */
export function withoutUndefined<T extends object>(value: { [Key in keyof T]: T[Key] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;
}

/** A service's restart policy: `restart`, else what `deploy.restart_policy` comes to on one host. */
export function restartPolicy(service: ServiceModel): HostConfig['RestartPolicy'] {
  if (service.restart !== undefined && service.restart !== '') {
    const [Name = 'no', count] = service.restart.split(':');
    return { Name, MaximumRetryCount: Number(count ?? 0) };
  }
  const policy = service.deploy?.restart_policy;
  if (!policy) return { Name: 'no', MaximumRetryCount: 0 };
  const { condition = 'any', max_attempts: attempts } = policy;
  if (condition === 'none') return { Name: 'no', MaximumRetryCount: 0 };
  if (condition === 'any') return { Name: 'always', MaximumRetryCount: 0 };
  return { Name: 'on-failure', MaximumRetryCount: attempts ?? 0 };
}
