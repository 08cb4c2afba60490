import { messageOf } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { finishRename, finishRestore, withMounted } from './change.ts';
import { driverNamed, type VolumeContext } from './context.ts';
import { type MakePayload, unmakeVolume } from './create.ts';
import { type FillPayload, undoFill } from './fill.ts';
import { type ImportPayload, importIntent, settleImport } from './import-folder.ts';
import { discardVolume, removeLocked } from './remove.ts';

/**
 * Finishes removals and undoes creations and copies that were cut off, and unmounts what no running container uses.
 * What a fault keeps from being settled is logged and stays in the journal, for the next start.
 */
export async function recoverVolumes(context: VolumeContext, running: ReadonlySet<string>): Promise<void> {
  adoptMounts(context, running);
  for (const intent of context.journal.pending()) {
    if (!intent.kind.startsWith('volume.')) continue;
    try {
      await settle(context, intent);
    } catch (error) {
      context.log.error('settling a volume', { volume: intent.subject, kind: intent.kind, error });
    }
  }
  await unmountUnused(context);
}

async function settle(context: VolumeContext, intent: Intent): Promise<void> {
  const record = context.store.get(intent.subject);
  if (intent.kind === 'volume.create' && !record) {
    const { driver, options } = intent.payload as MakePayload;
    await unmakeVolume(context, { name: intent.subject, driver, options, created: '', labels: null }, intent);
  }
  if (intent.kind === 'volume.discard') return await discardVolume(context, intent);
  if (intent.kind === 'volume.remove' && record) await removeLocked(context, record);
  if (intent.kind === 'volume.fill' && record) {
    const driver = driverNamed(context, record.driver);
    await driver.mount(record);
    await undoFill({ path: driver.path(record.name) }, intent.payload as FillPayload);
  }
  if (intent.kind === 'volume.rename' && record) await finishRename(context, record, intent);
  if (intent.kind === importIntent && record)
    await withMounted(context, record, (folder) => settleImport(folder, intent.payload as ImportPayload));
  if (intent.kind === 'volume.restore' && record) await finishRestore(context, record, intent);
  context.journal.done(intent);
}

function adoptMounts(context: VolumeContext, running: ReadonlySet<string>): void {
  for (const { volume, container } of context.store.uses())
    if (running.has(container)) context.mounts.adopt(volume, container);
}

/** Mounts of containers that ended while no engine ran, and of operations that were cut off. */
async function unmountUnused(context: VolumeContext): Promise<void> {
  for (const record of context.store.all()) {
    const driver = driverNamed(context, record.driver);
    if (!driver.needsMount(record) || context.mounts.isUsed(record.name)) continue;
    try {
      await driver.unmount(record);
    } catch (error) {
      context.log.warn('a volume cannot be unmounted', { volume: record.name, error: messageOf(error) });
    }
  }
}
