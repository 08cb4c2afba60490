import type { ContainerConfig, HostConfig, MountRequest } from '../api/types/container.ts';
import type { UpdateRequest } from '../api/types/container-update.ts';
import { conflict, invalid, notFound } from '../base/errors.ts';
import { parseVolumeSpec } from '../formats/volume-spec.ts';
import { commandLine, mergeEnvironment } from './merge.ts';
import { checkMounts } from './mounts.ts';
import type { ContainerRecord } from './record.ts';
import { checkRestartPolicy } from './restart-policy.ts';

/** What an update may change of a record. */
export type Definition = Pick<ContainerRecord, 'config' | 'host' | 'path' | 'args'>;

/**
 * A container's definition after an update's labels, environment, mounts and command; `host` has its limits, policy
 * and ports already. @throws invalid, and not-found for what is to be removed and is not there.
 */
export function updatedDefinition(record: ContainerRecord, host: HostConfig, request: UpdateRequest): Definition {
  const config: ContainerConfig = {
    ...record.config,
    Labels: updatedLabels(record, request),
    Env: updatedEnvironment(record, request),
    ...(request.Cmd?.length ? { Cmd: request.Cmd } : {}),
  };
  const withMounts = updatedMounts(record, host, request);
  checkMounts(withMounts, config.Volumes ?? {});
  const [path, ...args] = request.Cmd?.length ? commandLine(config) : [record.path, ...record.args];
  return { config, host: withMounts, path, args };
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
