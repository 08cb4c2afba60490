import type { HostConfig, MountPoint, MountRequest } from '../api/types/container.ts';
import { invalid, unsupported } from '../base/errors.ts';
import type { FileModel, FileUse, MountModel, Project, ServiceModel } from '../formats/compose-file/model.ts';
import { withoutUndefined } from './service-limits.ts';

export interface ServiceMounts {
  readonly binds: string[];
  readonly mounts: MountRequest[];
}

/**
 * What is mounted into a service's container: its volumes, and the configs and secrets that are files.
 * @param inherited mounts of the container that this one takes the place of: its volumes without a name go over.
 */
export function serviceMounts(
  project: Project,
  service: ServiceModel,
  inherited: readonly MountPoint[],
): ServiceMounts {
  const result: ServiceMounts = { binds: [], mounts: [] };
  const taken = new Set<string>();
  for (const mount of service.volumes ?? []) {
    taken.add(mount.target);
    const before =
      mount.type === 'volume' && mount.source === undefined ? anonymous(inherited, mount.target) : undefined;
    if (before !== undefined) result.binds.push(`${before}:${mount.target}`);
    else addMount(result, mount, project);
  }
  for (const use of fileUses(project, service))
    if (isMounted(use)) {
      taken.add(use.target);
      result.mounts.push({ Type: 'bind', Source: use.model.file, Target: use.target, ReadOnly: true });
    }
  for (const { Type, Name, Destination } of inherited)
    if (Type === 'volume' && Name !== undefined && /^[0-9a-f]{64}$/.test(Name) && !taken.has(Destination))
      result.binds.push(`${Name}:${Destination}`);
  return result;
}

const anonymous = (inherited: readonly MountPoint[], target: string): string | undefined =>
  inherited.find(({ Type, Destination }) => Type === 'volume' && Destination === target)?.Name;

function addMount(result: ServiceMounts, mount: MountModel, project: Project): void {
  const { type, source, target } = mount;
  const isPlainVolume = type === 'volume' && source !== undefined && !mount.volume?.subpath && !mount.volume?.labels;
  const isPlainBind = type === 'bind' && mount.bind?.create_host_path !== false && !mount.bind?.recursive;
  if (isPlainVolume || isPlainBind) {
    const name = type === 'volume' ? project.volumes[source!]!.name : source!;
    const modes = [
      mount.read_only ? 'ro' : 'rw',
      ...[mount.bind?.selinux, mount.bind?.propagation, mount.consistency].filter((one) => one !== undefined),
      ...(mount.volume?.nocopy ? ['nocopy'] : []),
    ];
    result.binds.push(`${name}:${target}:${modes.join(',')}`);
  } else result.mounts.push(mountRequest(mount, project));
}

function mountRequest(mount: MountModel, project: Project): MountRequest {
  const { type, source, target } = mount;
  const name = type === 'volume' && source !== undefined ? project.volumes[source]?.name : source;
  const { bind, volume, tmpfs, image } = mount;
  return withoutUndefined<MountRequest>({
    Type: type,
    Source: name,
    Target: target,
    ReadOnly: mount.read_only,
    Consistency: mount.consistency,
    BindOptions:
      bind &&
      withoutUndefined<NonNullable<MountRequest['BindOptions']>>({
        Propagation: bind.propagation,
        CreateMountpoint: bind.create_host_path,
        NonRecursive: bind.recursive === 'disabled' ? true : undefined,
        ReadOnlyNonRecursive: bind.recursive === 'writable' ? true : undefined,
        ReadOnlyForceRecursive: bind.recursive === 'readonly' ? true : undefined,
      }),
    VolumeOptions:
      volume &&
      withoutUndefined<NonNullable<MountRequest['VolumeOptions']>>({
        NoCopy: volume.nocopy,
        Subpath: volume.subpath,
        Labels: volume.labels && { ...volume.labels },
      }),
    TmpfsOptions:
      tmpfs &&
      withoutUndefined<NonNullable<MountRequest['TmpfsOptions']>>({
        SizeBytes: tmpfs.size === undefined ? undefined : Number(tmpfs.size),
        Mode: tmpfs.mode === undefined ? undefined : Number.parseInt(tmpfs.mode, 8),
      }),
    ImageOptions: image?.subpath === undefined ? undefined : { Subpath: image.subpath },
  });
}

/** A config or secret as a service's containers see it. */
export interface ResolvedFile {
  readonly kind: 'config' | 'secret';
  readonly model: FileModel;
  /** Absolute path in the container. */
  readonly target: string;
  readonly uid: string | undefined;
  readonly gid: string | undefined;
  readonly mode: string | undefined;
}

/** A file of the host is mounted as it is, unless its owner or mode are to be others. */
export const isMounted = (use: ResolvedFile): use is ResolvedFile & { model: { file: string } } =>
  use.model.file !== undefined && use.uid === undefined && use.gid === undefined && use.mode === undefined;

/** @throws unsupported for external ones, which only a swarm keeps. */
export function fileUses(project: Project, service: ServiceModel): ResolvedFile[] {
  const resolve = (kind: 'config' | 'secret', uses: readonly FileUse[] | undefined): ResolvedFile[] =>
    (uses ?? []).map(({ source, target, uid, gid, mode }) => {
      const model = (kind === 'config' ? project.configs : project.secrets)[source]!;
      if (model.external) throw unsupported(`unsupported external ${kind} ${source}`);
      if (model.driver !== undefined || model.template_driver !== undefined)
        throw unsupported(`${kind} ${source}: drivers of ${kind}s are for swarms`);
      if (model.file === undefined && model.environment === undefined && model.content === undefined)
        throw invalid(`${kind} ${source} has neither a file, nor an environment variable, nor a content`);
      const folder = kind === 'config' ? '' : '/run/secrets';
      const name = target ?? source;
      return { kind, model, target: name.startsWith('/') ? name : `${folder}/${name}`, uid, gid, mode };
    });
  return [...resolve('config', service.configs), ...resolve('secret', service.secrets)];
}

export const tmpfsOf = (service: ServiceModel): HostConfig['Tmpfs'] =>
  Object.fromEntries(
    (service.tmpfs ?? []).map((text) => {
      const colon = text.indexOf(':');
      return colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
    }),
  );
