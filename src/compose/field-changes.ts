import type { ContainerInspect, CreateRequest, HostConfig } from '../api/types/container.ts';
import { stableJson } from './config-hash.ts';

/** One field of a container that is other than what the files ask for. */
export interface FieldChange {
  readonly field: string;
  /** Undefined where it is new, or goes. */
  readonly from: string | undefined;
  readonly to: string | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields of `HostConfig` by the names that compose files have for them. */
const hostFields: readonly (readonly [string, string])[] = [
  ['Memory', 'mem_limit'],
  ['MemoryReservation', 'mem_reservation'],
  ['MemorySwap', 'memswap_limit'],
  ['NanoCpus', 'cpus'],
  ['CpuShares', 'cpu_shares'],
  ['CpusetCpus', 'cpuset'],
  ['PidsLimit', 'pids_limit'],
  ['PortBindings', 'ports'],
  ['Binds', 'volumes'],
  ['Mounts', 'volumes'],
  ['Tmpfs', 'tmpfs'],
  ['RestartPolicy', 'restart'],
  ['CapAdd', 'cap_add'],
  ['CapDrop', 'cap_drop'],
  ['Devices', 'devices'],
  ['Dns', 'dns'],
  ['ExtraHosts', 'extra_hosts'],
  ['Init', 'init'],
  ['IpcMode', 'ipc'],
  ['PidMode', 'pid'],
  ['Privileged', 'privileged'],
  ['ReadonlyRootfs', 'read_only'],
  ['SecurityOpt', 'security_opt'],
  ['ShmSize', 'shm_size'],
  ['Sysctls', 'sysctls'],
  ['Ulimits', 'ulimits'],
  ['NetworkMode', 'network_mode'],
];

const configFields: readonly (readonly [string, string])[] = [
  ['Image', 'image'],
  ['Cmd', 'command'],
  ['Entrypoint', 'entrypoint'],
  ['User', 'user'],
  ['WorkingDir', 'working_dir'],
  ['Hostname', 'hostname'],
  ['Tty', 'tty'],
  ['OpenStdin', 'stdin_open'],
  ['StopSignal', 'stop_signal'],
  ['StopTimeout', 'stop_grace_period'],
  ['Healthcheck', 'healthcheck'],
];

const ownLabel = /^com\.docker\.compose\./;

/**
 * Field by field, what a container has and what the files ask for. What a request leaves to the image or the engine is
 * not compared.
 * @param image the image's own variables and volumes.
 */
export function fieldChanges(
  request: CreateRequest,
  found: ContainerInspect,
  image: { readonly env: readonly string[]; readonly volumes: readonly string[] },
): FieldChange[] {
  const config = found.Config as Fields;
  const [wantedHost, foundHost] = [request.HostConfig ?? {}, found.HostConfig].map((host) =>
    withPlainVolumes(host, image.volumes),
  ) as [Fields, Fields];
  const labelsOf = (labels: unknown): Record<string, string> =>
    Object.fromEntries(Object.entries((labels ?? {}) as Record<string, string>).filter(([key]) => !ownLabel.test(key)));
  const changes = [
    ...compareFields(request as Fields, config, configFields),
    ...compareMaps('environment', variables(config['Env'], image.env), variables(request.Env, []), []),
    ...compareMaps('labels', labelsOf(config['Labels']), labelsOf(request.Labels), ['onlyNew']),
    ...compareFields(wantedHost, foundHost, hostFields),
    ...compareNetworks(request, found),
  ];
  return changes.filter((one, at) => changes.findIndex((other) => stableJson(other) === stableJson(one)) === at);
}

/**
 * Volumes without a name by where they are mounted: a container that took the place of another has that one's. Those of
 * the image are left out.
 */
function withPlainVolumes(host: HostConfig, ofImage: readonly string[]): Fields {
  const { Binds: binds, Mounts: mounts } = host;
  const isNameless = (bind: string): boolean => /^[0-9a-f]{64}:/.test(bind);
  const nameless = [
    ...(binds ?? []).filter(isNameless).map((bind) => bind.split(':')[1] ?? ''),
    ...(mounts ?? []).flatMap(({ Type, Source, Target }) => (Type === 'volume' && !Source ? [Target ?? ''] : [])),
  ].filter((target) => !ofImage.includes(target));
  const all = [...(binds ?? []).filter((bind) => !isNameless(bind)), ...nameless].toSorted();
  const others = (mounts ?? []).filter(({ Type, Source }) => Type !== 'volume' || Source);
  return { ...host, Binds: all.length > 0 ? all : undefined, Mounts: others.length > 0 ? others : undefined };
}

function compareFields(wanted: Fields, found: Fields, names: readonly (readonly [string, string])[]): FieldChange[] {
  return names.flatMap(([key, field]) => {
    const to = wanted[key];
    if (to === undefined || to === null || stableJson(to) === stableJson(found[key])) return [];
    return [{ field, from: shown(found[key]), to: shown(to) }];
  });
}

function variables(list: unknown, without: readonly string[]): Record<string, string> {
  const given = Array.isArray(list) ? (list as string[]) : [];
  return Object.fromEntries(
    given
      .filter((text) => !without.includes(text))
      .map((text) => {
        const equals = text.indexOf('=');
        return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)];
      }),
  );
}

/** @param options `onlyNew` leaves out what goes: labels may come from the image. */
function compareMaps(
  field: string,
  from: Readonly<Record<string, string>>,
  to: Readonly<Record<string, string>>,
  options: readonly 'onlyNew'[],
): FieldChange[] {
  const names = [...new Set([...Object.keys(from), ...Object.keys(to)])].toSorted();
  return names.flatMap((name) => {
    if (from[name] === to[name] || (options.includes('onlyNew') && to[name] === undefined)) return [];
    return [{ field: `${field}.${name}`, from: from[name], to: to[name] }];
  });
}

function compareNetworks(request: CreateRequest, found: ContainerInspect): FieldChange[] {
  const wanted = Object.keys(request.NetworkingConfig?.EndpointsConfig ?? {}).toSorted();
  if (wanted.length === 0) return [];
  const present = Object.keys(found.NetworkSettings.Networks).toSorted();
  return stableJson(wanted) === stableJson(present)
    ? []
    : [{ field: 'networks', from: present.join(', '), to: wanted.join(', ') }];
}

function shown(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : stableJson(value);
}
