import { mkdirSync, statSync } from 'node:fs';
import type { HostConfig, MountPoint, MountRequest } from '../api/types/container.ts';
import { invalid, type TugError, unsupported } from '../base/errors.ts';
import { parseVolumeSpec } from '../formats/volume-spec.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import type { ContainerRecord } from './record.ts';

/** One thing the user mounts into a container. */
interface UserMount {
  readonly point: MountPoint;
  readonly oci: OciMount;
  /** Make the host folder if it is missing: what `-v` does and `--mount` does not. */
  readonly makeSource: boolean;
}

/**
 * The mounts of `-v`, `--mount` and `--tmpfs`, sorted so that a mount comes after the one it lies in. Makes
 * the missing host folders of `-v`. @throws invalid when the source of a `--mount` does not exist.
 */
export function planMounts(record: ContainerRecord): { mounts: OciMount[]; points: MountPoint[] } {
  const all = userMounts(record.host);
  for (const { point, makeSource } of all) {
    if (point.Type !== 'bind') continue;
    if (makeSource) mkdirSourceOnce(point.Source);
    else requireSource(point.Source);
  }
  return { mounts: all.map(({ oci }) => oci), points: all.map(({ point }) => point) };
}

/** `Mounts` of inspect, which has `--tmpfs` elsewhere, as in Docker; touches nothing. */
export const mountPoints = (host: HostConfig): MountPoint[] =>
  userMounts({ ...host, Tmpfs: undefined }).map(({ point }) => point);

/** @throws invalid or unsupported for a mount that is malformed, doubled or of a kind that is not built. */
export function checkMounts(host: HostConfig, anonymous: Readonly<Record<string, unknown>>): void {
  const mounts = userMounts(host);
  const seen = new Set<string>();
  for (const { point } of mounts) {
    if (seen.has(point.Destination)) throw invalid(`Duplicate mount point: ${point.Destination}`);
    seen.add(point.Destination);
    if (point.Type === 'bind' && !host.Binds?.some((bind) => bind.startsWith(`${point.Source}:`)))
      requireSource(point.Source);
  }
  for (const target of Object.keys(anonymous)) {
    if (!target.startsWith('/'))
      throw invalid(`invalid volume specification: '${target}': mount path must be absolute`);
  }
}

function userMounts(host: HostConfig): UserMount[] {
  const mounts = [
    ...(host.Binds ?? []).map(fromBind),
    // those of other containers' files are in shown-files.ts
    ...(host.Mounts ?? []).filter(({ Type }) => Type !== 'container').map(fromMount),
    ...Object.entries(host.Tmpfs ?? {}).map(([target, options]) => tmpfs(target, options ? options.split(',') : [])),
  ];
  const depth = ({ point }: UserMount): number => point.Destination.split('/').filter(Boolean).length;
  return mounts.sort((a, b) => depth(a) - depth(b));
}

function fromBind(text: string): UserMount {
  const spec = parseVolumeSpec(text);
  if (spec.type === 'volume') throw noVolumes(spec.source);
  if (spec.relabel)
    throw unsupported(`-v ${text}: the option "${spec.relabel}" needs SELinux, which is not active on this host`);
  return bind({
    source: spec.source!,
    target: spec.target,
    readOnly: spec.readOnly,
    propagation: spec.propagation,
    recursive: true,
    mode: spec.mode,
    makeSource: true,
  });
}

/** `image`, `npipe` and `cluster` are types that Docker has, on some engines. */
function otherMount(type: string): TugError {
  if (['image', 'npipe', 'cluster'].includes(type))
    return unsupported(`mounts of type "${type}": not available in this version of tug`);
  return invalid(`invalid mount config for type "${type}": mount type unknown`);
}

function fromMount(request: MountRequest): UserMount {
  const target = request.Target ?? '';
  if (!target.startsWith('/'))
    throw invalid(
      `invalid mount config for type "${request.Type}": invalid mount path: '${target}' mount path must be absolute`,
    );
  if (request.Type === 'tmpfs') return tmpfs(target, tmpfsOptions(request));
  if (request.Type === 'volume') throw noVolumes(request.Source);
  if (request.Type !== 'bind') throw otherMount(request.Type ?? '');
  const source = request.Source ?? '';
  if (!source.startsWith('/'))
    throw invalid(`invalid mount config for type "bind": invalid mount path: '${source}' mount path must be absolute`);
  const options = request.BindOptions ?? {};
  if (options.ReadOnlyForceRecursive)
    throw unsupported('bind-recursive=readonly: not available in this version of tug');
  return bind({
    source,
    target,
    readOnly: request.ReadOnly ?? false,
    propagation: options.Propagation,
    recursive: !options.NonRecursive,
    mode: '',
    makeSource: options.CreateMountpoint ?? false,
  });
}

function noVolumes(name: string | undefined) {
  const what = name ? `the volume "${name}"` : 'an anonymous volume';
  return unsupported(
    `${what}: volumes are not available in this version of tug; mount a host folder by its absolute path`,
    {
      code: 'not-built',
    },
  );
}

function bind(request: {
  source: string;
  target: string;
  readOnly: boolean;
  propagation: string | undefined;
  recursive: boolean;
  mode: string;
  makeSource: boolean;
}): UserMount {
  const propagation = request.propagation || 'rprivate';
  const options = [request.recursive ? 'rbind' : 'bind', request.readOnly ? 'ro' : 'rw', propagation];
  return {
    oci: { destination: request.target, type: 'bind', source: request.source, options },
    point: {
      Type: 'bind',
      Source: request.source,
      Destination: request.target,
      Mode: request.mode,
      RW: !request.readOnly,
      Propagation: propagation,
    },
    makeSource: request.makeSource,
  };
}

function tmpfs(target: string, options: string[]): UserMount {
  if (!target.startsWith('/')) throw invalid(`invalid mount path: '${target}' mount path must be absolute`);
  const defaults = ['noexec', 'nosuid', 'nodev'].filter((flag) => !options.includes(flag.replace('no', '')));
  return {
    oci: { destination: target, type: 'tmpfs', source: 'tmpfs', options: [...new Set([...defaults, ...options])] },
    point: {
      Type: 'tmpfs',
      Source: '',
      Destination: target,
      Mode: options.join(','),
      RW: !options.includes('ro'),
      Propagation: '',
    },
    makeSource: false,
  };
}

function tmpfsOptions(request: MountRequest): string[] {
  const { SizeBytes: size, Mode: mode, Options: extra = [] } = request.TmpfsOptions ?? {};
  return [
    ...(size ? [`size=${size}`] : []),
    ...(mode ? [`mode=${mode.toString(8)}`] : []),
    ...extra.map((pair) => pair.join('=')),
    ...(request.ReadOnly ? ['ro'] : []),
  ];
}

function requireSource(source: string): void {
  if (statSync(source, { throwIfNoEntry: false }) === undefined)
    throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
}

function mkdirSourceOnce(source: string): void {
  if (statSync(source, { throwIfNoEntry: false }) === undefined) mkdirSync(source, { recursive: true });
}
