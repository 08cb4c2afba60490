import type { Writable } from 'node:stream';
import type { ImageRunConfig } from '../api/oci/image.ts';
import type { ContainerConfig, FilesystemChange } from '../api/types/container.ts';
import { conflict } from '../base/errors.ts';
import { formatFamiliar, parseReference, withDefaultTag } from '../formats/reference.ts';
import type { ContainerFiles, FileChange } from '../images/contract.ts';
import type { ContainerContext } from './context.ts';
import type { CommitOptions } from './contract.ts';
import { eventAttributes } from './create.ts';
import { mergeConfig } from './merge.ts';
import { whilePaused } from './pause.ts';
import type { ContainerRecord } from './record.ts';

/** What the engine mounts into every container: the runtime makes these in its files where the image lacks them. */
export const places: ReadonlySet<string> = new Set([
  ...['dev', 'dev/console', 'dev/mqueue', 'dev/pts', 'dev/shm', 'proc', 'sys', 'sys/fs/cgroup'],
  ...['etc/hosts', 'etc/hostname', 'etc/resolv.conf', '.dockerenv', 'sbin/docker-init'],
]);

const filesOf = ({ id, layers }: ContainerRecord): ContainerFiles => ({ id, layers, places });

const kinds = { modified: 0, added: 1, deleted: 2 } as const;

/** What a container changed of its image's files. A name that is no UTF-8 has what is wrong of it replaced. */
export async function changesOf(context: ContainerContext, record: ContainerRecord): Promise<FilesystemChange[]> {
  const changes = await context.images.changes(filesOf(record));
  return changes.map(asFilesystemChange);
}

/** A change as the API tells it. */
export function asFilesystemChange({ path, kind }: FileChange): FilesystemChange {
  return { Path: `/${Buffer.from(path, 'latin1')}`, Kind: kinds[kind] };
}

/** Writes a container's files as a tar. */
export async function exportContainer(
  context: ContainerContext,
  record: ContainerRecord,
  into: Writable,
  signal: AbortSignal,
): Promise<void> {
  refuseDying(record, 'export');
  context.events.publish('container', 'export', record.id, eventAttributes(record));
  await context.images.exportFiles(filesOf(record), into, signal);
}

/**
 * Makes an image of a container. Its lock is held while its files are read, so that it is neither started, stopped
 * nor removed in the middle; its processes stand still for as long, if that is asked for.
 */
export async function commitContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: CommitOptions,
  signal: AbortSignal,
): Promise<string> {
  refuseDying(record, 'commit');
  const image = await context.images.commit(
    {
      container: filesOf(record),
      imageId: record.imageId,
      reference: options.reference,
      author: options.author,
      comment: options.comment,
      createdBy: (record.config.Cmd ?? []).join(' '),
      config: imageConfig(mergeConfig(options.config, imageConfig(record.config))),
      changes: options.changes,
      hold: (read) =>
        context.locks.with('container', record.id, () => (options.pause ? whilePaused(context, record, read) : read())),
    },
    signal,
  );
  const { reference, comment } = options;
  const imageRef = reference === undefined ? '' : formatFamiliar(withDefaultTag(parseReference(reference)));
  context.events.publish('container', 'commit', record.id, {
    ...eventAttributes(record),
    comment,
    imageID: image.id,
    imageRef,
  });
  return image.id;
}

function refuseDying(record: ContainerRecord, verb: string): void {
  const { status } = record.state;
  if (status === 'removing') throw conflict(`You cannot ${verb} container ${record.id} which is being removed`);
  if (status === 'dead') throw conflict(`You cannot ${verb} container ${record.id} which is Dead`);
}

const imageFields = [
  ...['User', 'ExposedPorts', 'Env', 'Entrypoint', 'Cmd', 'Healthcheck', 'Volumes', 'WorkingDir', 'Labels'],
  ...['StopSignal', 'StopTimeout', 'Shell', 'OnBuild'],
] as const;

/** What an image keeps of a container's configuration; nothing that is empty. */
function imageConfig(config: ContainerConfig): ImageRunConfig {
  const kept = Object.entries(config).filter(
    ([name, value]) => (imageFields as readonly string[]).includes(name) && !isEmpty(value),
  );
  return Object.fromEntries(kept) as ImageRunConfig;
}

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);
