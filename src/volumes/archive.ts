import type { Readable, Writable } from 'node:stream';
import type { Volume } from '../api/types/volume.ts';
import { crashPoint } from '../base/crash-points.ts';
import { withMounted } from './change.ts';
import { describe, type VolumeContext, volumeNamed, withLock } from './context.ts';
import type { FolderArchiver } from './contract.ts';
import { makeVolume, plannedVolume, publishCreated, unmakeVolume } from './create.ts';
import { importInto } from './import-folder.ts';

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
 * Unpacks a tar, plain or compressed, into an empty volume, or a new one. What goes wrong, or is cut off, leaves a new
 * volume away and an empty one empty: see import-folder.ts.
 * @throws conflict for a volume with something in it, invalid for the archive, cancelled when the client goes away.
 */
export async function importVolume(
  context: VolumeContext,
  archiver: FolderArchiver,
  name: string,
  { from, signal }: { from: Readable; signal: AbortSignal },
): Promise<Volume> {
  const wanted = plannedVolume(context, { name, driver: undefined, options: {}, labels: null });
  const unpack = (folder: number): Promise<void> => archiver.receive(folder, from, signal);
  return await withLock(context, name, async () => {
    const there = context.store.get(name);
    if (there) {
      await withMounted(context, there, (folder) => importInto(context, name, folder, unpack));
      return describe(context, there);
    }
    const intent = await makeVolume(context, wanted);
    try {
      await withMounted(context, wanted, unpack);
      crashPoint('volume.import.unpacked');
      context.database.transaction(() => {
        context.store.add(wanted);
        context.journal.done(intent);
      });
    } catch (error) {
      await unmakeVolume(context, wanted, intent);
      throw error;
    }
    publishCreated(context, wanted);
    return describe(context, wanted);
  });
}
