import { z } from 'zod';
import { containerConfig, hostConfig, mountRequest, portBinding } from './container-request.ts';

/** A text without a NUL byte, as everywhere in requests. */
const text = containerConfig.shape.User.unwrap();

/** Fields of HostConfig that an update changes, in a running container at once. Absent and 0 leave a limit as it is. */
export const updatableLimits = [
  ...(['CpuShares', 'NanoCpus', 'CpuPeriod', 'CpuQuota', 'CpuRealtimePeriod', 'CpuRealtimeRuntime'] as const),
  ...(['CpusetCpus', 'CpusetMems', 'Memory', 'MemoryReservation', 'MemorySwap', 'PidsLimit', 'BlkioWeight'] as const),
  ...(['BlkioWeightDevice', 'BlkioDeviceReadBps', 'BlkioDeviceWriteBps'] as const),
  ...(['BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps'] as const),
] as const;

/** Fields of the API's Resources that are settled when a container is made; clients send them along unchanged. */
export const fixedResources = [
  ...(['CgroupParent', 'Devices', 'DeviceCgroupRules', 'DeviceRequests', 'Ulimits', 'Init'] as const),
  ...(['KernelMemoryTCP', 'MemorySwappiness', 'OomKillDisable'] as const),
  ...(['CpuCount', 'CpuPercent', 'IOMaximumIOps', 'IOMaximumBandwidth'] as const),
] as const;

type UpdateField = (typeof updatableLimits)[number] | (typeof fixedResources)[number] | 'RestartPolicy';

const picked = Object.fromEntries(
  [...updatableLimits, ...fixedResources, 'RestartPolicy'].map((field) => [field, true]),
) as Record<UpdateField, true>;

/** `POST /containers/{id}/update`: Docker's Resources and RestartPolicy, and what tug changes beside them. */
export const updateRequest = hostConfig.pick(picked).extend({
  LabelsAdd: z.record(text, text).optional(),
  LabelsRemove: z.array(text).optional(),
  /** `NAME=VALUE`. */
  EnvAdd: z.array(text).optional(),
  EnvRemove: z.array(text).optional(),
  MountsAdd: z.array(mountRequest).optional(),
  /** Paths in the container, of any kind of mount. */
  MountsRemove: z.array(text).optional(),
  Cmd: z.array(text).optional(),
  PortBindingsAdd: z.record(text, z.array(portBinding).nullable()).optional(),
  /** `80/tcp` to the bindings to take back; none means all of the port. */
  PortBindingsRemove: z.record(text, z.array(portBinding).nullable()).optional(),
});

export type UpdateRequest = z.infer<typeof updateRequest>;

export interface UpdateResponse {
  Warnings: string[];
}

/** An element of `Changes` of an inspected container, tug's own: what an update changed. */
export interface ContainerChange {
  /** RFC 3339. */
  Time: string;
  /** `HostConfig.Memory`, `Config.Labels.team`, `Config.Env.PATH`, `HostConfig.PortBindings.80/tcp`, ... */
  Field: string;
  /** Null where there was, or is, none. */
  Old: unknown;
  New: unknown;
}
