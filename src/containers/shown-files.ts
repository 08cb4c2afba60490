import { closeSync, existsSync, mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { MountRequest } from '../api/types/container.ts';
import { conflict, invalid, isKind, notFound } from '../base/errors.ts';
import { unmount } from '../host/mount.ts';
import { openInRoot } from '../host/read-in-root.ts';
import type { MountLook } from '../images/snapshots/contract.ts';
import type { OciMount } from '../runtime/spec/types.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { mountPoints } from './mounts.ts';
import type { ContainerPaths } from './paths.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import type { ContainerStore } from './store.ts';

/*
 * `--mount type=container,source=X,target=/x,readonly` (tug's own) shows the files of a container that does not run, and
 * what is bound into it, in another one. They are for looking only: nothing of X is changed or made, not even its
 * writable layer, and X may be started, committed or removed meanwhile.
 */

const isShown = ({ Type }: MountRequest): boolean => Type === 'container';

/** Mounts with containers named by their ids. @throws invalid for one that is not there, or not to be read-only. */
export function resolveShown(store: ContainerStore, mounts: readonly MountRequest[]): MountRequest[] {
  return mounts.map((mount) => {
    if (!isShown(mount)) return mount;
    if (!mount.Target?.startsWith('/') || path.posix.normalize(mount.Target) === '/')
      throw invalid(`invalid mount config for type "container": invalid mount path: '${mount.Target ?? ''}'`);
    if (!mount.ReadOnly)
      throw invalid('invalid mount config for type "container": it must be read-only: add "readonly"');
    try {
      return { ...mount, Source: store.resolve(mount.Source ?? '').id };
    } catch (error) {
      throw isKind(error, 'not-found') ? invalid(error.message, { code: error.code, cause: error }) : error;
    }
  });
}

/**
 * Mounts what a container is shown of others beside its bundle, and returns the mounts that bring it in. `hideFiles` takes
 * it away; killed in between, the next engine does. @throws conflict for a container that runs, not-found.
 */
export async function showFiles(
  context: ContainerContext,
  record: ContainerRecord,
  look: MountLook,
): Promise<OciMount[]> {
  const mounts: OciMount[] = [];
  const paths = pathsOf(context, record);
  for (const [index, { Source = '', Target = '' }] of shownMounts(record).entries()) {
    const other = context.store.get(Source);
    if (!other) throw notFound(`No such container: ${Source}`, { code: 'no-such-container' });
    if (isRunning(other))
      throw conflict(
        `the files of container ${other.name} cannot be mounted while it runs: share its processes instead`,
      );
    const folder = shownFolder(paths, index);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await context.snapshots.show(other.id, other.layers, folder, look);
    mounts.push(bindReadOnly(folder, Target), ...bindsOf(context, other, folder, Target));
  }
  return mounts;
}

/** Takes away what `showFiles` mounted. Idempotent. */
export function hideFiles(context: ContainerContext, record: ContainerRecord): void {
  const paths = pathsOf(context, record);
  for (const index of shownMounts(record).keys()) unmount(shownFolder(paths, index), { detach: true });
}

const shownMounts = ({ host }: ContainerRecord): MountRequest[] => (host.Mounts ?? []).filter(isShown);

const shownFolder = ({ bundle }: ContainerPaths, index: number): string => path.join(bundle, `shown-${index}`);

const bindReadOnly = (source: string, destination: string): OciMount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', 'ro', 'rprivate'],
});

/** What is bound into the other one, where its files have a place for it and the host has it still. */
function bindsOf(context: ContainerContext, other: ContainerRecord, folder: string, target: string): OciMount[] {
  const points = mountPoints(context.volumes, other).filter(
    ({ Type, Source }) => Type !== 'tmpfs' && existsSync(Source),
  );
  return points
    .filter(({ Destination }) => isThere(folder, Destination))
    .map(({ Source, Destination }) => bindReadOnly(Source, path.posix.join(target, Destination)));
}

function isThere(folder: string, file: string): boolean {
  const O_PATH = 0o10000000;
  try {
    closeSync(openInRoot(folder, file, O_PATH));
    return true;
  } catch {
    return false;
  }
}
