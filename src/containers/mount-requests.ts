import * as path from 'node:path';
import type { HostConfig, MountRequest } from '../api/types/container.ts';
import { invalid, type TugError, unsupported } from '../base/errors.ts';
import { parseVolumeSpec, propagations } from '../formats/volume-spec.ts';

/** One thing that is mounted into a container, as its record keeps it; `--tmpfs` is in its HostConfig only. */
export interface ContainerMount {
  readonly type: 'bind' | 'volume' | 'tmpfs' | 'image';
  /** Of a bind: where it is on the host. Of an image: as it was named. */
  readonly source?: string;
  /** Chain-ids of layers that are shown as an image, for work that has no image yet. */
  readonly layers?: readonly string[];
  /** Of the volume, or the id of the image; undefined until it is known. */
  readonly name?: string;
  readonly target: string;
  /** The options of `-v` as written. */
  readonly mode: string;
  readonly readOnly: boolean;
  /** What lies mounted in it is read-only too, where it is itself and the kernel can: `must` fails where it cannot. */
  readonly readOnlyBelow?: 'can' | 'must';
  readonly propagation?: string;
  /** Without what lies mounted in it. */
  readonly flat?: boolean;
  /** The source's owner and the container's user are each other's. */
  readonly idMap?: boolean;
  /** The engine made the source: what is owner N there is the container's N. */
  readonly own?: boolean;
  /** Make the host folder if it is missing: what `-v` does and `--mount` does not. */
  readonly makeSource?: boolean;
  /** Do not fill a volume with what the image has there. */
  readonly noCopy?: boolean;
  /** The part of a volume, an image or an `own` bind to mount. */
  readonly subpath?: string;
  /** Nobody named it: it goes with `rm -v`. */
  readonly anonymous?: boolean;
  /** From another container, of `--volumes-from`. */
  readonly inherited?: boolean;
  /** Of a tmpfs. */
  readonly options?: readonly string[];
  /** What a volume is made with if it is not there. */
  readonly make?: {
    readonly driver?: string;
    readonly options?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** Mounts in an order in which none hides another one that lies in it; at one depth in the order given. */
export function inOrder<M extends { readonly target: string } | { readonly destination: string }>(
  mounts: readonly M[],
): M[] {
  const depth = (mount: M): number =>
    ('target' in mount ? mount.target : mount.destination).split('/').filter(Boolean).length;
  return mounts.toSorted((a, b) => depth(a) - depth(b));
}

/** One of `-v`. @throws invalid in Docker's words. */
export function mountOfBind(text: string, host: HostConfig): ContainerMount {
  const spec = parseVolumeSpec(text);
  const { target, mode, readOnly } = spec;
  const below = readOnly ? { readOnlyBelow: 'can' as const } : {};
  if (spec.type === 'bind') {
    const propagation = spec.propagation ?? 'rprivate';
    return { type: 'bind', source: spec.source ?? '', target, mode, readOnly, ...below, propagation, makeSource: true };
  }
  const named = spec.source === undefined ? { anonymous: true } : { name: spec.source };
  const make = host.VolumeDriver ? { make: { driver: host.VolumeDriver } } : {};
  // Docker shows the label option of a local volume whether or not there are labels
  return { type: 'volume', ...named, target, mode: mode || 'z', readOnly, ...below, noCopy: spec.noCopy, ...make };
}

/** One of `--mount`. @throws invalid in Docker's words, unsupported. */
export function mountOfRequest(request: MountRequest): ContainerMount {
  const type = request.Type ?? '';
  const target = request.Target ?? '';
  const fail = (reason: string): TugError => invalid(`invalid mount config for type "${type}": ${reason}`);
  if (['npipe', 'cluster'].includes(type)) throw unsupported(`mounts of type "${type}": not available on this engine`);
  if (!Object.hasOwn(kinds, type)) throw fail('mount type unknown');
  if (target === '') throw fail('field Target must not be empty');
  const place = path.posix.normalize(target).replace(/(.)\/$/, '$1');
  if (place === '/') throw fail("invalid specification: destination can't be '/'");
  if (!target.startsWith('/')) throw fail(`invalid mount path: '${target}' mount path must be absolute`);
  for (const [kind, field] of optionFields)
    if (kind !== type && request[field] !== undefined) throw fail(`field ${field} must not be specified`);
  const base = { target: place, mode: '', readOnly: request.ReadOnly ?? false };
  return kinds[type as ContainerMount['type']](request, base, fail);
}

const optionFields = [
  ['bind', 'BindOptions'],
  ['volume', 'VolumeOptions'],
  ['tmpfs', 'TmpfsOptions'],
  ['image', 'ImageOptions'],
] as const;

type Base = Pick<ContainerMount, 'target' | 'mode' | 'readOnly'>;
type Kind = (request: MountRequest, base: Base, fail: (reason: string) => TugError) => ContainerMount;

const kinds: Readonly<Record<ContainerMount['type'], Kind>> = {
  bind(request, base, fail) {
    const source = request.Source ?? '';
    if (source === '') throw fail('field Source must not be empty');
    if (!source.startsWith('/')) throw fail(`invalid mount path: '${source}' mount path must be absolute`);
    const options = request.BindOptions ?? {};
    const propagation = options.Propagation || 'rprivate';
    if (!(propagations as readonly string[]).includes(propagation))
      throw fail(`invalid propagation mode: ${propagation}`);
    checkRecursion(request, propagation, fail);
    const below = options.ReadOnlyForceRecursive ? 'must' : options.ReadOnlyNonRecursive ? undefined : 'can';
    return {
      type: 'bind',
      source: path.posix.normalize(source).replace(/(.)\/$/, '$1'),
      ...base,
      propagation,
      ...(base.readOnly && below ? { readOnlyBelow: below } : {}),
      // what lies mounted in it may be of a file system that cannot map ids
      ...(options.NonRecursive || options.IdMap ? { flat: true } : {}),
      ...(options.IdMap ? { idMap: true } : {}),
      ...(options.CreateMountpoint ? { makeSource: true } : {}),
    };
  },
  volume(request, base, fail) {
    const { NoCopy = false, Labels, Subpath, DriverConfig } = request.VolumeOptions ?? {};
    if (Subpath !== undefined && Subpath !== '') checkSubpath(Subpath, fail);
    if (!request.Source && Subpath) throw fail('must not set Subpath when using anonymous volumes');
    if (!request.Source && base.readOnly) throw fail('must not set ReadOnly mode when using anonymous volumes');
    return {
      type: 'volume',
      ...(request.Source ? { name: request.Source } : { anonymous: true }),
      ...base,
      mode: 'z',
      ...(base.readOnly ? { readOnlyBelow: 'can' as const } : {}),
      noCopy: NoCopy,
      ...(Subpath ? { subpath: Subpath } : {}),
      make: {
        ...(DriverConfig?.Name ? { driver: DriverConfig.Name } : {}),
        ...(DriverConfig?.Options ? { options: DriverConfig.Options } : {}),
        ...(Labels ? { labels: Labels } : {}),
      },
    };
  },
  tmpfs(request, base, fail) {
    if (request.Source) throw fail('field Source must not be specified');
    return { type: 'tmpfs', ...base, options: tmpfsOptions(request, fail) };
  },
  image(request, base, fail) {
    if (!request.Source) throw fail('field Source must not be empty');
    const subpath = request.ImageOptions?.Subpath;
    if (subpath) checkSubpath(subpath, fail);
    return { type: 'image', source: request.Source, ...base, readOnly: true, ...(subpath ? { subpath } : {}) };
  },
};

function checkSubpath(subpath: string, fail: (reason: string) => TugError): void {
  if (subpath.startsWith('/')) throw fail('subpath must be a relative path within the volume');
  if (path.posix.normalize(subpath).split('/')[0] === '..')
    throw fail('subpath must be a relative path within the volume');
}

function checkRecursion(
  { ReadOnly, BindOptions = {} }: MountRequest,
  propagation: string,
  fail: (reason: string) => TugError,
) {
  const { ReadOnlyNonRecursive, ReadOnlyForceRecursive, NonRecursive } = BindOptions;
  if (ReadOnlyNonRecursive && !ReadOnly) throw fail('mount source must be read-only with ReadOnlyNonRecursive');
  if (!ReadOnlyForceRecursive) return;
  if (!ReadOnly) throw fail('mount source must be read-only with ReadOnlyForceRecursive');
  if (ReadOnlyNonRecursive || NonRecursive)
    throw fail('ReadOnlyForceRecursive contradicts ReadOnlyNonRecursive and NonRecursive');
  if (propagation !== 'rprivate') throw fail('ReadOnlyForceRecursive needs the propagation "rprivate"');
}

function tmpfsOptions(request: MountRequest, fail: (reason: string) => TugError): string[] {
  const { SizeBytes: size = 0, Mode: mode, Options: extra = [] } = request.TmpfsOptions ?? {};
  if (size < 0) throw fail('Size must be non-negative');
  for (const pair of extra)
    if (pair.length < 1 || pair.length > 2 || pair[0] === '')
      throw fail('each element of Options must be KEY or KEY, VALUE');
  return [
    ...(size ? [`size=${size}`] : []),
    ...(mode ? [`mode=${mode.toString(8)}`] : []),
    ...extra.map((pair) => pair.join('=')),
    ...(request.ReadOnly ? ['ro'] : []),
  ];
}
