import type { Readable, Writable } from 'node:stream';
import type { Volume } from '../api/types/volume.ts';
import { crashPoint } from '../base/crash-points.ts';
import { conflict } from '../base/errors.ts';
import { entriesOf } from '../host/copy-tree.ts';
import { withMounted } from './change.ts';
import { describe, type VolumeContext, volumeNamed, withLock } from './context.ts';
import type { FolderArchiver } from './contract.ts';
import { makeVolume, plannedVolume, publishCreated, unmakeVolume } from './create.ts';
import { removeNames } from './trees.ts';

/** Writes a volume's content as a tar, also while containers use it; does not end `into`. @throws not-found, cancelled. */
export async function exportVolume(
  context: VolumeContext,
  archiver: FolderArchiver,
  name: string,
  { into, signal }: { into: () => Writable; signal: AbortSignal },
): Promise<void> {
  await withLock(context, name, () =>
    withMounted(context, volumeNamed(context, name), (folder) => archiver.send(folder, into(), signal)),
  );
}

/**
 * Unpacks a tar, plain or compressed, into an empty volume, or a new one. What goes wrong leaves a new volume away and an
 * empty one empty; so does the next engine, but for one that was there and empty, which then has a part.
 * @throws conflict for a volume with something in it, invalid for the archive, cancelled when the client goes away.
 */
export async function importVolume(
  context: VolumeContext,
  archiver: FolderArchiver,
  name: string,
  { from, signal }: { from: Readable; signal: AbortSignal },
): Promise<Volume> {
  const wish = { name, driver: undefined, options: {}, labels: null };
  const wanted = plannedVolume(context, wish);
  return await withLock(context, name, async () => {
    const there = context.store.get(name);
    const intent = there ? undefined : await makeVolume(context, wanted);
    const record = there ?? wanted;
    try {
      await withMounted(context, record, (folder) => receive(archiver, folder, { name, from, signal }));
      crashPoint('volume.import.unpacked');
      if (intent)
        context.database.transaction(() => {
          context.store.add(record);
          context.journal.done(intent);
        });
    } catch (error) {
      if (intent) await unmakeVolume(context, record, intent);
      throw error;
    }
    if (intent) publishCreated(context, record);
    return describe(context, record);
  });
}

async function receive(
  archiver: FolderArchiver,
  folder: number,
  { name, from, signal }: { name: string; from: Readable; signal: AbortSignal },
): Promise<void> {
  if (entriesOf(folder).length > 0)
    throw conflict(`import ${name}: the volume is not empty`, { code: 'volume-not-empty' });
  try {
    await archiver.receive(folder, from, signal);
  } catch (error) {
    await removeNames(
      folder,
      entriesOf(folder).map((entry) => entry.name.toString('latin1')),
    );
    throw error;
  }
}
