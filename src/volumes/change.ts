import * as fs from 'node:fs';
import type { Volume } from '../api/types/volume.ts';
import { crashPoint } from '../base/crash-points.ts';
import { conflict, unsupported } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { checkVolumeName } from '../formats/volume-spec.ts';
import { entriesOf } from '../host/copy-tree.ts';
import { describe, driverNamed, type VolumeContext, volumeNamed, withLocks } from './context.ts';
import { makeVolume, publishCreated, unmakeVolume } from './create.ts';
import { refuseUsed } from './remove.ts';
import type { VolumeRecord } from './store.ts';
import { copyFolder, removeNames } from './trees.ts';

const { O_RDONLY, O_DIRECTORY } = fs.constants;

/** The label of a snapshot: the name of the volume that it is of. */
export const snapshotLabel = 'tug.snapshot-of';

/**
 * Gives a volume that no container uses another name. Journaled: cut off, the next engine finishes it.
 * @throws not-found, invalid for the name, conflict for one that is taken or a volume that is used.
 */
export async function renameVolume(context: VolumeContext, name: string, next: string): Promise<void> {
  checkVolumeName(next);
  await withLocks(context, [name, next], async () => {
    const record = volumeNamed(context, name);
    refuseTaken(context, next, 'rename');
    refuseUsed(context, record, 'rename');
    const intent = context.journal.begin('volume.rename', name, { to: next } satisfies RenamePayload);
    crashPoint('volume.rename.journaled');
    await finishRename(context, record, intent);
    context.events.publish('volume', 'rename', next, { driver: record.driver, oldName: name });
  });
}

/** What the journal keeps of a renaming. */
export interface RenamePayload {
  readonly to: string;
}

/** The steps after the journal's. Idempotent. */
export async function finishRename(context: VolumeContext, record: VolumeRecord, intent: Intent): Promise<void> {
  const { to } = intent.payload as RenamePayload;
  await driverNamed(context, record.driver).rename(record, to);
  crashPoint('volume.rename.moved');
  context.database.transaction(() => {
    context.store.rename(record.name, to);
    context.journal.done(intent);
  });
}

/**
 * Makes a new volume with the content of another one, which may be in use: of what is written meanwhile some may be in
 * it. Blocks are shared where the file system can. Cut off, nothing is left of the new one.
 * @throws not-found, unsupported for a volume whose data lies elsewhere, invalid and conflict for the new name.
 */
export async function cloneVolume(
  context: VolumeContext,
  name: string,
  request: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>> | null;
    readonly snapshot: boolean;
  },
): Promise<Volume> {
  checkVolumeName(request.name);
  return await withLocks(context, [name, request.name], async () => {
    const source = volumeNamed(context, name);
    refuseElsewhere(context, source, 'copied');
    refuseTaken(context, request.name, 'create');
    const { driver, options } = source;
    const labels = request.snapshot ? { ...request.labels, [snapshotLabel]: name } : request.labels;
    const made: VolumeRecord = { name: request.name, driver, options, labels, created: new Date().toISOString() };
    const intent = await makeVolume(context, made);
    try {
      await copyAll(context, source, made);
      crashPoint('volume.clone.copied');
      context.database.transaction(() => {
        context.store.add(made);
        context.journal.done(intent);
      });
    } catch (error) {
      await unmakeVolume(context, made, intent);
      throw error;
    }
    publishCreated(context, made);
    return describe(context, made);
  });
}

/**
 * Puts a snapshot's content in the place of a volume's, which no container has mounted. Journaled: cut off, the next
 * engine does it again. @throws not-found, conflict for a volume that is in use or a source that is no snapshot.
 */
export async function restoreVolume(context: VolumeContext, name: string, from: string): Promise<void> {
  await withLocks(context, [name, from], async () => {
    const [record, source] = [volumeNamed(context, name), volumeNamed(context, from)];
    if (!Object.hasOwn(source.labels ?? {}, snapshotLabel))
      throw conflict(`restore ${name}: the volume ${from} is no snapshot`, { code: 'no-snapshot' });
    refuseElsewhere(context, record, 'restored');
    if (context.mounts.isUsed(name))
      throw conflict(`restore ${name}: volume is in use by a container that runs: stop it first`, {
        code: 'volume-in-use',
      });
    const intent = context.journal.begin('volume.restore', name, { from } satisfies RestorePayload);
    crashPoint('volume.restore.journaled');
    await finishRestore(context, record, intent);
    context.events.publish('volume', 'restore', name, { driver: record.driver, from });
  });
}

/** What the journal keeps of a restoring. */
export interface RestorePayload {
  readonly from: string;
}

/** Empties a volume and copies. May be repeated. */
export async function finishRestore(context: VolumeContext, record: VolumeRecord, intent: Intent): Promise<void> {
  const source = volumeNamed(context, (intent.payload as RestorePayload).from);
  await withMounted(context, record, async (folder) => {
    const names = entriesOf(folder).map(({ name }) => name.toString('latin1'));
    await removeNames(folder, names);
    crashPoint('volume.restore.emptied');
  });
  await copyAll(context, source, record);
  context.journal.done(intent);
}

function copyAll(context: VolumeContext, source: VolumeRecord, target: VolumeRecord): Promise<void> {
  return withMounted(context, source, (from) => withMounted(context, target, (to) => copyFolder(from, to)));
}

/** Has work done on a volume's folder, open. For callers that hold its lock. */
export async function withMounted<T>(
  context: VolumeContext,
  record: VolumeRecord,
  work: (folder: number) => Promise<T>,
): Promise<T> {
  const driver = driverNamed(context, record.driver);
  const user = `work:${record.name}`;
  const path = await context.mounts.mount(record, driver, user);
  try {
    const folder = fs.openSync(path, O_RDONLY | O_DIRECTORY);
    try {
      return await work(folder);
    } finally {
      fs.closeSync(folder);
    }
  } finally {
    await context.mounts.unmount(record, driver, user);
  }
}

function refuseTaken({ store }: VolumeContext, name: string, verb: string): void {
  if (store.get(name))
    throw conflict(`${verb} ${name}: a volume of that name is there already`, { code: 'volume-name' });
}

function refuseElsewhere(context: VolumeContext, record: VolumeRecord, what: string): void {
  if (!driverNamed(context, record.driver).keepsData(record))
    throw unsupported(
      `the data of volume ${record.name} lies elsewhere (${record.options['type']} ${record.options['device']}): it cannot be ${what}`,
    );
}
