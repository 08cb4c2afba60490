import { isDeepStrictEqual } from 'node:util';
import type { HostConfig } from '../api/types/container.ts';
import { fixedResources, type UpdateRequest, updatableLimits } from '../api/types/container-update.ts';
import { conflict, invalid, unsupported } from '../base/errors.ts';
import type { CgroupDriver, LiftedLimit } from '../host/cgroup/contract.ts';
import { annotatedControllers } from '../runtime/spec/annotated-limits.ts';
import { countCpus } from '../runtime/spec/cpu-set.ts';
import { buildResources } from '../runtime/spec/resources.ts';
import type { OciResources } from '../runtime/spec/types.ts';

export type LimitField = (typeof updatableLimits)[number];

/**
 * The limits as they are after an update; what the request leaves out, or gives as 0, stays.
 * @throws conflict and invalid in Docker's words, unsupported for what this kernel cannot limit.
 */
export function updatedLimits(before: HostConfig, request: UpdateRequest, cgroups: CgroupDriver): HostConfig {
  for (const field of fixedResources) {
    const value = request[field];
    if (isGiven(value) && !isDeepStrictEqual(value, before[field]))
      throw invalid(`${field} cannot be changed by an update: it is settled when a container is created`);
  }
  refuseConflicts(before, request);
  const given = updatableLimits.filter((field) => isGiven(request[field]) || field === 'PidsLimit');
  const after: HostConfig = { ...before };
  for (const field of given) if (request[field] !== undefined) Object.assign(after, { [field]: request[field] });
  if (after.Memory && !after.MemorySwap) after.MemorySwap = after.Memory * 2;
  buildResources(after, countCpus());
  refuseMissingLimits(after, cgroups);
  return after;
}

const isGiven = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== 0 && value !== '' && value !== false;

/** A limit in CPUs is a quota in a period under another name: one cannot be changed under the other. */
function refuseConflicts(before: HostConfig, request: UpdateRequest): void {
  for (const [wish, title, other, otherTitle] of [
    ['NanoCpus', 'Nano CPUs', 'CpuPeriod', 'CPU Period'],
    ['NanoCpus', 'Nano CPUs', 'CpuQuota', 'CPU Quota'],
    ['CpuPeriod', 'CPU Period', 'NanoCpus', 'NanoCPUs'],
    ['CpuQuota', 'CPU Quota', 'NanoCpus', 'NanoCPUs'],
  ] as const) {
    if ((request[wish] ?? 0) > 0 && (before[other] ?? 0) > 0)
      throw conflict(`Conflicting options: ${title} cannot be updated as ${otherTitle} has already been set`);
  }
  const swap = before.MemorySwap ?? 0;
  if (!request.MemorySwap && swap > 0 && (request.Memory ?? 0) > swap)
    throw conflict(
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
    );
}

/** @throws unsupported for a limit that this host's control groups do not have. */
export function refuseMissingLimits(
  { BlkioWeight, BlkioWeightDevice, Annotations = {} }: HostConfig,
  cgroups: Pick<CgroupDriver, 'limits'>,
): void {
  const asked = Boolean(BlkioWeight || BlkioWeightDevice?.length);
  if (asked && !cgroups.limits.has('blkio-weight'))
    throw unsupported('the weight of block I/O: no I/O scheduler of this kernel has weights (BFQ does)');
  for (const controller of annotatedControllers(Annotations))
    if (!cgroups.limits.has(controller))
      throw unsupported(`the annotation tug.cgroup.${controller}: this host has no control groups of ${controller}`);
}

/** The limits that differ, by field. */
export const changedLimits = (before: HostConfig, after: HostConfig): LimitField[] =>
  updatableLimits.filter((field) => !isDeepStrictEqual(before[field], after[field]));

/** The limits alone. */
export const limitsOf = (host: HostConfig): HostConfig =>
  Object.fromEntries(updatableLimits.map((field) => [field, host[field]]));

/** What brings a control group to some limits of a HostConfig: a part for the runtime, and limits to take away. */
export interface LimitChange {
  readonly resources: OciResources;
  readonly lifted: readonly LiftedLimit[];
}

/** No limit, in the OCI's words. */
const none = -1;
/** The kernel's own (block/bfq-iosched). */
const DEFAULT_WEIGHT = 100;

/** Limits of single devices; those that only `former` has as 0, which takes them away. */
function devicesBetween(host: HostConfig, former: HostConfig): HostConfig {
  const lost = <T extends { Path: string }>(now: readonly T[] = [], before: readonly T[] = []): T[] =>
    before.filter(({ Path }) => !now.some((other) => other.Path === Path));
  const rates = (field: (typeof rateFields)[number]) =>
    lost(host[field], former[field]).map(({ Path }) => ({ Path, Rate: 0 }));
  const weights = lost(host.BlkioWeightDevice, former.BlkioWeightDevice).map(({ Path }) => ({ Path, Weight: 0 }));
  return {
    BlkioWeightDevice: [...(host.BlkioWeightDevice ?? []), ...weights],
    ...Object.fromEntries(rateFields.map((field) => [field, [...(host[field] ?? []), ...rates(field)]])),
  };
}

const rateFields = [
  ...(['BlkioDeviceReadBps', 'BlkioDeviceWriteBps'] as const),
  ...(['BlkioDeviceReadIOps', 'BlkioDeviceWriteIOps'] as const),
] as const;

/**
 * The limits `fields` of a HostConfig, for a group that may have those of `former`: what is not set is said as such,
 * so that the group loses it.
 */
export function limitChange(host: HostConfig, former: HostConfig, fields: readonly LimitField[]): LimitChange {
  const whole = buildResources({ ...host, ...devicesBetween(host, former) }, countCpus());
  const has = (...names: LimitField[]): boolean => names.some((name) => fields.includes(name));
  const quota = whole.cpu?.quota;
  const quotaChanged = has('NanoCpus', 'CpuPeriod', 'CpuQuota');
  const cpu: NonNullable<OciResources['cpu']> = {
    ...(has('CpuShares') ? { shares: whole.cpu?.shares ?? 1024 } : {}),
    ...(quotaChanged ? { period: whole.cpu?.period ?? 100_000, ...(quota === undefined ? {} : { quota }) } : {}),
    ...(has('CpusetCpus') && whole.cpu?.cpus ? { cpus: whole.cpu.cpus } : {}),
    ...(has('CpusetMems') && whole.cpu?.mems ? { mems: whole.cpu.mems } : {}),
    ...(has('CpuRealtimePeriod') && host.CpuRealtimePeriod ? { realtimePeriod: host.CpuRealtimePeriod } : {}),
    ...(has('CpuRealtimeRuntime') && host.CpuRealtimeRuntime ? { realtimeRuntime: host.CpuRealtimeRuntime } : {}),
  };
  const memory: NonNullable<OciResources['memory']> = {
    ...(has('Memory', 'MemorySwap') ? { limit: whole.memory?.limit ?? none, swap: whole.memory?.swap ?? none } : {}),
    ...(has('MemoryReservation') ? { reservation: whole.memory?.reservation ?? none } : {}),
  };
  const blockIO = {
    ...(fields.some((field) => field.startsWith('Blkio')) ? whole.blockIO : {}),
    ...(has('BlkioWeight') ? { weight: whole.blockIO?.weight ?? DEFAULT_WEIGHT } : {}),
  };
  const pids = has('PidsLimit') ? whole.pids : undefined;
  const resources: OciResources = {
    ...(Object.keys(cpu).length > 0 ? { cpu } : {}),
    ...(Object.keys(memory).length > 0 ? { memory } : {}),
    ...(Object.keys(blockIO).length > 0 ? { blockIO } : {}),
    ...(pids ? { pids } : {}),
  };
  const lifted: LiftedLimit[] = [
    ...(quotaChanged && quota === undefined ? (['cpu-quota'] as const) : []),
    ...(has('PidsLimit') && !pids ? (['pids'] as const) : []),
  ];
  return { resources, lifted };
}
