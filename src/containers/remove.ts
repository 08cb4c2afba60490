import { rm } from 'node:fs/promises';
import { crashPoint } from '../base/crash-points.ts';
import { conflict } from '../base/errors.ts';
import { callOffStart } from './call-off.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { dropLog } from './logging.ts';
import { anonymousVolumes } from './mount-volumes.ts';
import { mountsOf } from './mounts.ts';
import { type ContainerRecord, isActive } from './record.ts';
import { finishRelease } from './release.ts';
import { killAndWait } from './stop.ts';

/**
 * Removes a container: its record, writable layer, log and leases. With `force` a running one is killed
 * first. Journaled before the first deletion: a removal that was cut off is finished by the next engine.
 * @throws conflict when it runs and `force` is not given.
 */
export async function removeContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: { force: boolean; volumes: boolean },
): Promise<void> {
  if (isActive(record)) {
    if (!options.force) throw cannotRemove(record);
    await killAndWait(context, record);
  } else if (options.force) callOffStart(context, record);
  await context.locks.with('container', record.id, async () => {
    if (!context.store.get(record.id)) return; // --rm was faster
    if (isActive(record)) throw cannotRemove(record);
    await removeLocked(context, record, { volumes: options.volumes });
  });
}

function cannotRemove(record: ContainerRecord) {
  const why =
    record.state.status === 'paused'
      ? 'container is paused and must be unpaused first'
      : `container is ${record.state.status}: stop the container before removing or force remove`;
  return conflict(`cannot remove container "${record.name}": ${why}`, {
    code: 'container-running',
  });
}

/** What the journal keeps of a removal. */
export interface RemovePayload {
  /** Its volumes that nobody named go too; of a container of --rm they do. */
  readonly volumes?: boolean;
}

/** The removal itself, for a caller that holds the container's lock. Idempotent. */
export async function removeLocked(
  context: ContainerContext,
  record: ContainerRecord,
  { volumes = record.host.AutoRemove ?? false }: RemovePayload = {},
): Promise<void> {
  const payload: RemovePayload = { volumes };
  const intent = context.database.transaction(() => {
    context.store.setState(record, { status: 'removing' });
    return context.journal.begin('container.remove', record.id, payload);
  });
  dropLog(context, record);
  crashPoint('container.remove.journaled');
  await deleteFiles(context, record);
  crashPoint('container.remove.deleted');
  const discard = context.database.transaction(() => {
    context.leases.release(`container:${record.id}`);
    const forgotten = context.volumes.forget(record.id, volumes ? anonymousVolumes(mountsOf(record)) : []);
    context.store.delete(record.id);
    context.journal.done(intent);
    return forgotten;
  });
  crashPoint('container.remove.forgotten');
  await discard();
  context.execs.forget(record.id);
  for (const resolve of context.earlyAttachers.get(record.id) ?? []) resolve(undefined);
  context.earlyAttachers.delete(record.id);
  context.events.publish('container', 'destroy', record.id, eventAttributes(record));
  context.waiters.removed(record.id);
}

async function deleteFiles(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const paths = pathsOf(context, record);
  await finishRelease(context, record);
  await context.snapshots.unmount(record.id, paths.rootfs);
  crashPoint('container.remove.unmounted');
  await Promise.all([
    context.snapshots.discard(record.id),
    rm(paths.data, { recursive: true, force: true }),
    rm(paths.bundle, { recursive: true, force: true }),
  ]);
}
