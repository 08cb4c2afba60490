import { closeSync, constants, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import * as path from 'node:path';
import { errnoOf, invalid } from '../base/errors.ts';
import { unmount } from '../host/mount.ts';
import { openInRoot } from '../host/read-in-root.ts';
import type { ReservedVolumes, VolumeWish } from '../volumes/contract.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import type { ContainerMount } from './mount-requests.ts';
import type { ContainerRecord } from './record.ts';

/**
 * Has `record` called, in a transaction, with a container's mounts, its volumes made and filled with what the image has
 * at their places. `filled` says which mounts are new, so that their volumes are to be filled. What `record` does not
 * record is taken away again, also by the next engine when this one is killed.
 */
export async function withVolumes(
  context: ContainerContext,
  container: Pick<ContainerRecord, 'id' | 'layers'>,
  mounts: readonly ContainerMount[],
  record: (mounts: ContainerMount[]) => void,
): Promise<void> {
  const volumes = mounts.filter(({ type }) => type === 'volume');
  await context.volumes.reserve(volumes.map(wishOf), async (reserved) => {
    const named = mounts.map((mount) => {
      const index = volumes.indexOf(mount);
      const name = reserved.names[index];
      return index < 0 || name === undefined ? mount : { ...mount, name };
    });
    await fillVolumes(context, container, named, reserved);
    context.database.transaction(() => {
      record(named);
      reserved.record(container.id);
    });
  });
}

function wishOf({ name, make = {} }: ContainerMount): VolumeWish {
  return { name, driver: make.driver, options: make.options ?? {}, labels: make.labels ?? {} };
}

/** Empty volumes get what the image has at their places. */
async function fillVolumes(
  context: ContainerContext,
  container: Pick<ContainerRecord, 'id' | 'layers'>,
  mounts: readonly ContainerMount[],
  reserved: ReservedVolumes,
): Promise<void> {
  const wanting: ContainerMount[] = [];
  for (const mount of mounts) {
    if (mount.type !== 'volume' || mount.noCopy || mount.inherited || mount.name === undefined) continue;
    if (await reserved.isEmpty(mount.name, mount.subpath)) wanting.push(mount);
  }
  if (wanting.length === 0) return;
  await using image = await showImage(context, container);
  for (const mount of wanting) {
    const source = openFolder(image.root, mount);
    if (source === undefined) continue;
    try {
      await reserved.fill(mount.name ?? '', source, mount.subpath);
    } finally {
      closeSync(source);
    }
  }
}

/** Mounts an image beside where its container will be; cut off, the next engine takes it away (`recover.ts`). */
async function showImage(context: ContainerContext, { id, layers }: Pick<ContainerRecord, 'id' | 'layers'>) {
  const { bundle } = pathsOf(context, { id });
  const root = path.join(bundle, 'image');
  mkdirSync(root, { recursive: true, mode: 0o711 });
  const hide = async (): Promise<void> => {
    unmount(root, { detach: true });
    await rm(bundle, { recursive: true, force: true });
  };
  try {
    await context.snapshots.show(id, layers, root);
  } catch (error) {
    await hide();
    throw error;
  }
  return { root, [Symbol.asyncDispose]: hide };
}

/** The image's folder at a mount's place, links followed within the image; undefined where it has none. */
function openFolder(root: string, { target, anonymous }: ContainerMount): number | undefined {
  try {
    return openInRoot(root, target, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const code = errnoOf(error) ?? '';
    if (code === 'ENOTDIR' && anonymous)
      throw invalid(`cannot mount volume over existing file, file exists ${target}`, { cause: error });
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(code)) return undefined;
    throw error;
  }
}

/** The volumes that `rm -v` removes with a container: those that nobody named. */
export const anonymousVolumes = (mounts: readonly ContainerMount[]): string[] =>
  mounts.flatMap(({ type, anonymous, name }) => (type === 'volume' && anonymous && name ? [name] : []));

/** Mounts with images named by their ids. @throws not-found. */
export function withImageIds(
  { images }: Pick<ContainerContext, 'images'>,
  mounts: readonly ContainerMount[],
): ContainerMount[] {
  return mounts.map((mount) =>
    mount.type === 'image' && mount.name === undefined
      ? { ...mount, name: images.resolve(mount.source ?? '').id }
      : mount,
  );
}

/** Ids of the images that are mounted. */
export const mountedImages = (mounts: readonly ContainerMount[]): string[] =>
  mounts.flatMap(({ type, name }) => (type === 'image' && name !== undefined ? [name] : []));
