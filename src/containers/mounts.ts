import { statSync } from 'node:fs';
import * as path from 'node:path';
import type { HostConfig, MountPoint } from '../api/types/container.ts';
import { invalid, isKind } from '../base/errors.ts';
import type { ContainerVolumes } from '../volumes/contract.ts';
import { type ContainerMount, inOrder, mountOfBind, mountOfRequest } from './mount-requests.ts';
import type { ContainerRecord } from './record.ts';
import type { ContainerStore } from './store.ts';

/** What a container's mounts are resolved from. */
export interface MountSources {
  readonly host: HostConfig;
  /** Paths of volumes of the image and of `-v PATH`. */
  readonly declared: Readonly<Record<string, unknown>>;
  /** What another container has mounted, for `--volumes-from`. */
  readonly mountsOf: (reference: string) => readonly ContainerMount[];
  /** What was mounted before an update: volumes without a name stay the same. */
  readonly before?: readonly ContainerMount[];
}

/**
 * All mounts of a container but those of `--tmpfs`, sorted so that a mount comes after the one it lies in. At one path
 * those of `--volumes-from` give way to `-v` and `--mount`, and volumes of the image to all others.
 * @throws invalid or unsupported for a mount that is malformed, doubled or whose source is missing.
 */
export function resolveMounts({ host, declared, mountsOf, before = [] }: MountSources): ContainerMount[] {
  const all = new Map<string, ContainerMount>();
  for (const reference of host.VolumesFrom ?? [])
    for (const mount of inherited(reference, mountsOf)) all.set(mount.target, mount);
  const tmpfs = Object.keys(host.Tmpfs ?? {});
  for (const target of tmpfs)
    if (!target.startsWith('/')) throw invalid(`invalid mount path: '${target}' mount path must be absolute`);
  const own = [
    ...(host.Binds ?? []).map((text) => mountOfBind(text, host)),
    // those of other containers' files are in shown-files.ts
    ...(host.Mounts ?? []).filter(({ Type }) => Type !== 'container').map(mountOfRequest),
  ];
  const seen = new Set<string>(tmpfs);
  for (const mount of own) {
    if (seen.has(mount.target)) throw invalid(`Duplicate mount point: ${mount.target}`);
    seen.add(mount.target);
    if (mount.type === 'bind' && !mount.makeSource) requireSource(mount.source ?? '');
    all.set(mount.target, mount);
  }
  for (const target of Object.keys(declared)) {
    const place = path.posix.resolve('/', target);
    if (all.has(place) || tmpfs.includes(place)) continue;
    const make = host.VolumeDriver ? { make: { driver: host.VolumeDriver } } : {};
    all.set(place, { type: 'volume', anonymous: true, target: place, mode: '', readOnly: false, ...make });
  }
  return inOrder([...all.values()].map((mount) => sameAsBefore(mount, before)));
}

/** @throws invalid for volumes of `-v PATH` that cannot be. */
export function checkDeclared(declared: Readonly<Record<string, unknown>>): void {
  for (const target of Object.keys(declared)) {
    if (!target.startsWith('/'))
      throw invalid(`invalid volume specification: '${target}': mount path must be absolute`);
    if (path.posix.normalize(target) === '/')
      throw invalid(
        `invalid volume specification: '${target}': invalid mount config for type "volume": invalid specification: destination can't be '/'`,
      );
  }
}

/** `CONTAINER[:ro|rw]`. A tmpfs is a container's own. */
function inherited(text: string, mountsOf: MountSources['mountsOf']): ContainerMount[] {
  if (text === '') throw invalid('volumes-from specification cannot be an empty string');
  const colon = text.indexOf(':');
  const reference = colon < 0 ? text : text.slice(0, colon);
  const mode = colon < 0 ? 'rw' : text.slice(colon + 1);
  const options = mode.split(',');
  if (!options.every((option) => ['ro', 'rw', 'z', 'Z'].includes(option))) throw invalid(`invalid mode: ${mode}`);
  const readOnly = options.includes('ro');
  return mountsOf(reference)
    .filter(({ type }) => type !== 'tmpfs')
    .map(({ make: _made, ...mount }) => ({
      ...mount,
      ...(colon < 0 ? {} : { mode }),
      readOnly: mount.readOnly || readOnly,
      ...(readOnly ? { readOnlyBelow: 'can' as const } : {}),
      inherited: true,
      noCopy: true,
    }));
}

/** A volume that nobody named keeps the name that it got, and the name of an image stands for the image that it was. */
function sameAsBefore(mount: ContainerMount, before: readonly ContainerMount[]): ContainerMount {
  if (mount.type === 'image') {
    const same = before.find(
      (one) => one.type === 'image' && one.target === mount.target && one.source === mount.source,
    );
    return same?.name === undefined ? mount : { ...mount, name: same.name };
  }
  if (mount.type !== 'volume' || !mount.anonymous || mount.name !== undefined) return mount;
  const same = before.find((one) => one.anonymous && !one.inherited && one.target === mount.target);
  return same?.name === undefined ? mount : { ...mount, name: same.name };
}

/** @throws invalid in Docker's words for a path of the host that is not there. */
export function requireSource(source: string): void {
  if (statSync(source, { throwIfNoEntry: false }) === undefined)
    throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${source}`);
}

/** What a container has mounted; one that an older tug made has nothing but what its HostConfig says. */
export function mountsOf(record: Pick<ContainerRecord, 'mounts' | 'host'>): readonly ContainerMount[] {
  return record.mounts ?? resolveMounts({ host: record.host, declared: {}, mountsOf: () => [] });
}

/** Not as not-found, which clients take for an image that is to be pulled. @throws invalid. */
function resolveOther(store: ContainerStore, reference: string): ContainerRecord {
  try {
    return store.resolve(reference);
  } catch (error) {
    throw isKind(error, 'not-found') ? invalid(error.message, { code: error.code, cause: error }) : error;
  }
}

/** Finds other containers' mounts. @throws invalid for one that is not there. */
export const mountsOfOthers =
  (store: ContainerStore): MountSources['mountsOf'] =>
  (reference) =>
    mountsOf(resolveOther(store, reference));

/** `Mounts` of inspect, which has `--tmpfs` elsewhere, as in Docker. */
export const mountPoints = (
  volumes: Pick<ContainerVolumes, 'find'>,
  record: Pick<ContainerRecord, 'mounts' | 'host'>,
): MountPoint[] => mountsOf(record).map((mount) => mountPoint(volumes, mount));

function mountPoint(volumes: Pick<ContainerVolumes, 'find'>, mount: ContainerMount): MountPoint {
  const { type, name = '', source = '', target, mode, readOnly, propagation = '' } = mount;
  const shown = { Destination: target, Mode: mode, RW: !readOnly, Propagation: propagation };
  if (type === 'bind') return { Type: type, Source: source, ...shown };
  if (type === 'tmpfs') return { Type: type, Source: '', ...shown };
  if (type === 'image') return { Type: type, Name: name, Source: source, ...shown };
  const volume = volumes.find(name);
  return { Type: type, Name: name, Source: volume?.path ?? '', Driver: volume?.driver ?? 'local', ...shown };
}
