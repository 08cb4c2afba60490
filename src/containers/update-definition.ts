import type { ContainerConfig, HostConfig, MountRequest } from '../api/types/container.ts';
import type { UpdateRequest } from '../api/types/container-update.ts';
import { conflict, invalid, notFound } from '../base/errors.ts';
import { parseVolumeSpec } from '../formats/volume-spec.ts';
import { commandLine, mergeEnvironment } from './merge.ts';
import { mountsOf, mountsOfOthers, resolveMounts } from './mounts.ts';
import type { ContainerRecord } from './record.ts';
import { checkRestartPolicy } from './restart-policy.ts';
import type { ContainerStore } from './store.ts';

/** What an update may change of a record. */
export type Definition = Pick<ContainerRecord, 'config' | 'host' | 'path' | 'args' | 'mounts'>;

/**
 * A container's definition after an update's labels, environment, mounts and command; `host` has its limits, policy
 * and ports already. @throws invalid, and not-found for what is to be removed and is not there.
 */
export function updatedDefinition(
  store: ContainerStore,
  record: ContainerRecord,
  host: HostConfig,
  request: UpdateRequest,
): Definition {
  const config: ContainerConfig = {
    ...record.config,
    Labels: updatedLabels(record, request),
    Env: updatedEnvironment(record, request),
    ...(request.Cmd?.length ? { Cmd: request.Cmd } : {}),
  };
  const withMounts = updatedMounts(record, host, request);
  const [path, ...args] = request.Cmd?.length ? commandLine(config) : [record.path, ...record.args];
  return { config, host: withMounts, path, args, ...changedMounts(store, record, withMounts, request) };
}

function updatedLabels({ name, config }: ContainerRecord, { LabelsAdd, LabelsRemove = [] }: UpdateRequest) {
  const labels = { ...config.Labels };
  for (const key of LabelsRemove) {
    if (!Object.hasOwn(labels, key)) throw notFound(`container ${name} has no label ${key}`);
    delete labels[key];
  }
  if (LabelsAdd && Object.hasOwn(LabelsAdd, '')) throw invalid('invalid label: the name is empty');
  return { ...labels, ...LabelsAdd };
}

function updatedEnvironment({ name, config }: ContainerRecord, { EnvAdd = [], EnvRemove = [] }: UpdateRequest) {
  const before = config.Env ?? [];
  for (const variable of EnvRemove) {
    if (variable.includes('=')) throw invalid(`invalid environment variable to remove: ${variable}: give its name`);
    if (!before.some((entry) => entry.startsWith(`${variable}=`)))
      throw notFound(`container ${name} has no environment variable ${variable}`);
  }
  for (const entry of EnvAdd)
    if (!entry.includes('=')) throw invalid(`invalid environment variable: ${entry}: it must be NAME=VALUE`);
  return mergeEnvironment(mergeEnvironment(before, EnvRemove), EnvAdd);
}

function updatedMounts({ name }: ContainerRecord, host: HostConfig, request: UpdateRequest): HostConfig {
  const { MountsAdd = [], MountsRemove = [] } = request;
  let after = host;
  for (const target of MountsRemove) {
    const without = withoutMount(after, target);
    if (!without) throw notFound(`container ${name} has nothing mounted at ${target}`);
    after = without;
  }
  return MountsAdd.length === 0 ? after : { ...after, Mounts: [...(after.Mounts ?? []), ...MountsAdd] };
}

/** Those that others gave stay as they are; whoever gave them may be gone. */
function changedMounts(
  store: ContainerStore,
  record: ContainerRecord,
  host: HostConfig,
  { MountsAdd = [], MountsRemove = [] }: UpdateRequest,
): Pick<ContainerRecord, 'mounts'> {
  if (MountsAdd.length === 0 && MountsRemove.length === 0) return {};
  const { VolumesFrom: _from, ...own } = host;
  const before = mountsOf(record);
  const declared = record.config.Volumes ?? {};
  const mounts = resolveMounts({ host: own, declared, mountsOf: mountsOfOthers(store), before });
  const taken = new Set([...mounts.filter(({ anonymous }) => !anonymous).map(({ target }) => target), ...MountsRemove]);
  const kept = before.filter(({ inherited, target }) => inherited && !taken.has(target));
  const places = new Set(kept.map(({ target }) => target));
  return { mounts: [...kept, ...mounts.filter(({ target }) => !places.has(target))] };
}

/** A HostConfig without the mount at a path, of whatever kind; undefined when there is none. */
function withoutMount(host: HostConfig, target: string): HostConfig | undefined {
  const elsewhere = ({ Target }: MountRequest): boolean => Target !== target;
  const Mounts = host.Mounts?.filter(elsewhere);
  if (Mounts?.length !== host.Mounts?.length) return { ...host, Mounts };
  const Binds = host.Binds?.filter((bind) => parseVolumeSpec(bind).target !== target);
  if (Binds?.length !== host.Binds?.length) return { ...host, Binds };
  if (!Object.hasOwn(host.Tmpfs ?? {}, target)) return undefined;
  const { [target]: _removed, ...Tmpfs } = host.Tmpfs ?? {};
  return { ...host, Tmpfs };
}

/** @throws conflict for a policy that a container of --rm cannot have, invalid for one that is none. */
export function updatedPolicy(host: HostConfig, { RestartPolicy: policy }: UpdateRequest): HostConfig {
  if (!policy?.Name) return host;
  if (host.AutoRemove && policy.Name !== 'no')
    throw conflict('Restart policy cannot be updated because AutoRemove is enabled for the container');
  const after = { ...host, RestartPolicy: { Name: policy.Name, MaximumRetryCount: policy.MaximumRetryCount ?? 0 } };
  checkRestartPolicy(after);
  return after;
}
