import { mkdirSync, renameSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { conflict, invalid, notFound, unsupported } from '../base/errors.ts';
import { namesIn } from '../base/read-if-there.ts';
import { removeTree } from '../host/remove-tree.ts';
import { type ContainerContext, pathsOf, runtimeOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { type ContainerRecord, isRunning } from './record.ts';

export interface CheckpointPlace {
  readonly name: string;
  /** Where checkpoints lie; the container's own folder when undefined. */
  readonly folder: string | undefined;
}

/** How the folder of one that is being made ends: no name of a checkpoint does. */
const UNFINISHED = '~';

/**
 * Writes what a running container's processes are to a folder, from which they can go on, and with `exit` ends them:
 * the container stops then, and no policy starts it again. The folder gets its name when all is written; interrupted,
 * an unfinished one is left, which the next checkpoint of that name and the container's removal take away.
 * @throws conflict when it does not run, has a terminal, or has one of that name; invalid for a name that is none;
 *   unsupported without CRIU; the runtime's words.
 */
export async function createCheckpoint(
  context: ContainerContext,
  record: ContainerRecord,
  { exit, ...place }: CheckpointPlace & { readonly exit: boolean },
): Promise<void> {
  const ended = await context.locks.with('container', record.id, async () => {
    checkPossible(context, record);
    const target = targetOf(context, record, place);
    if (isFolder(target))
      throw conflict(`checkpoint with name ${place.name} already exists for container ${record.name}`);
    const unfinished = target + UNFINISHED;
    await removeTree(unfinished);
    mkdirSync(unfinished, { recursive: true, mode: 0o700 });
    const { asked } = record.state;
    if (exit) context.store.setState(record, { asked: 'stop' });
    const onExit = exit ? context.waiters.onExit(record.id) : undefined;
    try {
      const { bundle } = pathsOf(context, record);
      await runtimeOf(context, record).checkpoint(record.id, { images: unfinished, work: bundle, exit });
    } catch (error) {
      context.store.setState(record, { asked });
      await removeTree(unfinished);
      throw error;
    }
    renameSync(unfinished, target);
    context.events.publish('container', 'checkpoint', record.id, eventAttributes(record));
    return { onExit };
  });
  await ended.onExit;
  await context.locks.with('container', record.id, async () => {}); // its end is settled
}

/** Names of a container's checkpoints. @throws invalid for a folder that is no absolute path. */
export function listCheckpoints(
  context: ContainerContext,
  record: ContainerRecord,
  folder: string | undefined,
): string[] {
  const own = folderOf(context, record, folder);
  return namesIn(own).filter((name) => isName(name) && isFolder(path.join(own, name)));
}

/** @throws not-found. Interrupted, it leaves one that cannot be restored; remove it again. */
export async function removeCheckpoint(
  context: ContainerContext,
  record: ContainerRecord,
  place: CheckpointPlace,
): Promise<void> {
  await removeTree(checkpointFolder(context, record, place));
}

/** The folder of a checkpoint that is there. @throws not-found, invalid. */
export function checkpointFolder(context: ContainerContext, record: ContainerRecord, place: CheckpointPlace): string {
  const target = targetOf(context, record, place);
  if (!isFolder(target)) throw notFound(`checkpoint ${place.name} does not exist for container ${record.name}`);
  return target;
}

function checkPossible(context: ContainerContext, record: ContainerRecord): void {
  if (!isRunning(record)) throw conflict(`Container ${record.id} is not running`, { code: 'container-not-running' });
  if (record.state.status === 'paused') throw conflict(`Container ${record.id} is paused, unpause it first`);
  if (record.config.Tty) throw conflict('checkpoint not supported on containers with tty');
  if (!context.criu) throw unsupported('checkpoints of containers need CRIU: install the package "criu"');
}

const isName = (name: string): boolean => /^[a-zA-Z0-9][\w.-]*$/.test(name);

function targetOf(context: ContainerContext, record: ContainerRecord, { name, folder }: CheckpointPlace): string {
  if (!isName(name))
    throw invalid(`Invalid checkpoint ID (${name.slice(0, 64)}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return path.join(folderOf(context, record, folder), name);
}

function folderOf(context: ContainerContext, record: ContainerRecord, folder: string | undefined): string {
  if (!folder) return path.join(pathsOf(context, record).data, 'checkpoints');
  if (!path.isAbsolute(folder)) throw invalid(`the folder of checkpoints must be an absolute path, not ${folder}`);
  return folder;
}

const isFolder = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false;
