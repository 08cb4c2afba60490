import { closeSync, constants, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { crashPoint } from '../../base/crash-points.ts';
import { conflict, errnoOf } from '../../base/errors.ts';
import type { IdMaps } from '../../formats/id-maps.ts';
import { actAsOwner } from '../../host/file-ids.ts';
import { mount, mountFlags } from '../../host/mount.ts';
import { bindOnto } from '../../host/mount-tree.ts';
import { openProcessRoot } from '../../host/process-root.ts';
import type { MountMapping } from '../../images/snapshots/contract.ts';
import { byteString } from '../../images/unpack/names.ts';
import type { OciMount } from '../../runtime/spec/types.ts';
import { bringIn, letGo } from '../bring-in.ts';
import { type ContainerContext, pathsOf } from '../context.ts';
import { type ContainerRecord, isRunning } from '../record.ts';
import { finishRelease } from '../release.ts';
import { lookOf } from '../security-labels.ts';
import { isRemapped, mapsOfProcess, openUserNamespace } from '../user-namespace.ts';
import { inFolder, makeFolders, O_PATH, openPlace } from './place.ts';

/** A container's files as the container sees them, held open. */
export interface FilesView {
  /** A descriptor of the root. */
  readonly root: number;
  /** The ids of the container's user namespace; undefined for the host's. */
  readonly maps: IdMaps | undefined;
  /** Aborts when the files go away under the copy. */
  readonly signal: AbortSignal;
  release(): Promise<void>;
}

/** Views of containers that do not run, which several copies share. */
export type StoppedViews = Map<string, SharedView>;

interface SharedView {
  readonly root: Promise<number>;
  readonly maps: IdMaps | undefined;
  readonly closed: Promise<void>;
  users: number;
  readonly leave: () => void;
}

/**
 * Opens a container's files. Of a running or paused one it is what its first process sees, every mount included, until
 * it ends. Of another one its file system is mounted as for a start, with its volumes and binds; its lock is held
 * until the last copy is done, so that it is neither started nor removed meanwhile. Killed in between, the engine
 * leaves that mount, which the next one takes away (`recover.ts`).
 * @throws conflict for a container that is being removed, or whose process ends at this moment.
 */
export async function openFiles(context: ContainerContext, record: ContainerRecord): Promise<FilesView> {
  const { status } = record.state;
  if (status === 'removing' || status === 'dead')
    throw conflict(`container ${record.id} is marked for removal and cannot be copied from or to`);
  return isRunning(record) ? openRunning(context, record) : await openStopped(context, record);
}

function openRunning(context: ContainerContext, record: ContainerRecord): FilesView {
  const { pid, pidStart } = record.state;
  const root = openProcessRoot(pid, pidStart);
  if (root === undefined) throw conflict(`container ${record.id} is ending: try again`, { code: 'container-ended' });
  const copy = context.copies.begin(record.id);
  return {
    root,
    maps: mapsOfProcess(pid),
    signal: AbortSignal.any([copy.signal, context.shutdown]),
    async release() {
      closeSync(root);
      copy.done();
    },
  };
}

async function openStopped(context: ContainerContext, record: ContainerRecord): Promise<FilesView> {
  const shared = context.stoppedViews.get(record.id) ?? share(context, record);
  shared.users += 1;
  const release = async (): Promise<void> => {
    shared.users -= 1;
    if (shared.users > 0) return;
    if (context.stoppedViews.get(record.id) === shared) context.stoppedViews.delete(record.id);
    shared.leave();
    await shared.closed;
  };
  try {
    return { root: await shared.root, maps: shared.maps, signal: context.shutdown, release };
  } catch (error) {
    await release().catch(() => {}); // the same fault
    throw error;
  }
}

function share(context: ContainerContext, record: ContainerRecord): SharedView {
  const opened = Promise.withResolvers<number>();
  const left = Promise.withResolvers<void>();
  opened.promise.catch(() => {}); // whoever asked hears of it
  const closed = context.locks.with('container', record.id, async () => {
    try {
      if (isRunning(record)) throw conflict(`container ${record.id} is starting: try again`);
      await using view = await mountFiles(context, record);
      opened.resolve(view.root);
      await left.promise;
    } catch (error) {
      opened.reject(error);
      throw error;
    }
  });
  closed.catch(() => {}); // `release` tells
  const maps = isRemapped(context.remap, record.host) ? context.remap.maps : undefined;
  const shared: SharedView = { root: opened.promise, maps, closed, users: 0, leave: left.resolve };
  context.stoppedViews.set(record.id, shared);
  return shared;
}

/** Mounts a container's file system and what is bound into it. Undoes itself when it fails. */
async function mountFiles(context: ContainerContext, record: ContainerRecord) {
  const { bundle, rootfs } = pathsOf(context, record);
  await finishRelease(context, record);
  using user = await openUserNamespace(context, { ...record, host: { ...record.host, ...apart } });
  const look = lookOf(context, record, user);
  await using undo = new AsyncDisposableStack();
  mkdirSync(bundle, { recursive: true, mode: 0o711 });
  undo.defer(() => rm(bundle, { recursive: true, force: true }));
  await context.snapshots.prepare(record.id, record.layers, { volatile: record.host.AutoRemove ?? false });
  await context.snapshots.mount(record.id, rootfs, look);
  undo.defer(() => context.snapshots.unmount(record.id, rootfs));
  mount('', rootfs, '', mountFlags.private);
  const root = openSync(rootfs, O_PATH | constants.O_DIRECTORY);
  undo.defer(async () => closeSync(root));
  const mounter = `copy:${record.id}`;
  undo.defer(async () => void (await letGo(context, record, mounter)));
  for (const bind of await bringIn(context, record, mounter, look))
    if (bind.type === 'bind') undo.use(bindInto(root, bind, user?.mapping.root));
  crashPoint('container.copy.mounted');
  const undoing = undo.move();
  return { root, [Symbol.asyncDispose]: () => undoing.disposeAsync() };
}

/** A stopped container's files are shown with the engine's ids, whomever it shares namespaces with when it runs. */
const apart = { NetworkMode: 'none', PidMode: '', IpcMode: '' };

function bindInto(
  root: number,
  { source = '', destination, options = [] }: OciMount,
  owner: MountMapping['root'] | undefined,
): Disposable {
  const target = openTargetAs(owner, root, destination, source);
  try {
    return bindOnto(source, target, {
      recursive: options.includes('rbind'),
      readOnly: options.includes('ro') || options.includes('rro'),
    });
  } finally {
    closeSync(target);
  }
}

/** What is made is the container's root's. */
function openTargetAs(
  owner: MountMapping['root'] | undefined,
  ...place: readonly [root: number, destination: string, source: string]
): number {
  using _ = owner && actAsOwner(owner);
  return openTarget(...place);
}

/** The place of a mount, which is made as the runtime would make it. */
function openTarget(root: number, destination: string, source: string): number {
  const path = byteString(destination);
  try {
    return openPlace(root, path, { follow: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (isFolder(source)) return makeFolders(root, '/', parts);
  const name = parts.pop() ?? '';
  const folder = makeFolders(root, '/', parts);
  try {
    writeFileSync(inFolder(folder, name), '', { flag: 'wx' });
  } finally {
    closeSync(folder);
  }
  return openPlace(root, path, { follow: true });
}

function isFolder(source: string): boolean {
  try {
    closeSync(openSync(source, O_PATH | constants.O_DIRECTORY));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}
