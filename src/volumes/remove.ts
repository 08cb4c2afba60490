import { crashPoint } from '../base/crash-points.ts';
import { conflict, isKind, notFound } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { driverNamed, type VolumeContext, withLock } from './context.ts';
import type { VolumeRecord } from './store.ts';

/**
 * Removes a volume with its data. Journaled: cut off, the next engine finishes it.
 * @throws not-found unless `force`; conflict with the containers' ids while they use it.
 */
export async function removeVolume(context: VolumeContext, name: string, options: { force: boolean }): Promise<void> {
  await withLock(context, name, async () => {
    const record = context.store.get(name);
    if (!record) {
      if (options.force) return;
      throw notFound(`get ${name.slice(0, 255)}: no such volume`, { code: 'no-such-volume' });
    }
    refuseUsed(context, record, 'remove');
    await removeLocked(context, record);
  });
}

/** @throws conflict in Docker's words. */
export function refuseUsed(context: VolumeContext, { name }: VolumeRecord, verb: string): void {
  const users = context.store.usersOf(name);
  if (users.length > 0)
    throw conflict(`${verb} ${name}: volume is in use - [${users.join(', ')}]`, { code: 'volume-in-use' });
  if (context.mounts.isUsed(name)) throw conflict(`${verb} ${name}: volume is in use`, { code: 'volume-in-use' });
}

/** The removal itself, of a volume that is not used, for a caller that holds its lock. Idempotent. */
export async function removeLocked(context: VolumeContext, record: VolumeRecord): Promise<void> {
  const intent = context.journal.begin('volume.remove', record.name, {});
  crashPoint('volume.remove.journaled');
  try {
    await driverNamed(context, record.driver).remove(record);
  } catch (error) {
    context.journal.done(intent); // it stays, and can be removed again
    throw isKind(error, 'conflict') ? conflict(`remove ${record.name}: ${error.message}`, { cause: error }) : error;
  }
  crashPoint('volume.remove.deleted');
  context.database.transaction(() => {
    context.store.delete(record.name);
    context.journal.done(intent);
  });
  context.events.publish('volume', 'destroy', record.name, { driver: record.driver });
}

/** `ContainerVolumes.forget`. */
export function forgetUses(
  context: VolumeContext,
  containerId: string,
  doomed: readonly string[],
): () => Promise<void> {
  context.store.setUses(containerId, []);
  const intents = doomed.map((name) => context.journal.begin('volume.discard', name, {}));
  return async () => {
    for (const intent of intents) {
      try {
        await discardVolume(context, intent);
      } catch (error) {
        context.log.error('removing a volume of a container that is gone', { volume: intent.subject, error });
      }
    }
  };
}

/** Removes a volume unless something uses it, or it is gone already, and strikes the intent out. Idempotent. */
export async function discardVolume(context: VolumeContext, intent: Intent): Promise<void> {
  try {
    await removeVolume(context, intent.subject, { force: true });
  } catch (error) {
    if (!isKind(error, 'conflict')) throw error;
  }
  context.journal.done(intent);
}
