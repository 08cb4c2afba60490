import { rm } from 'node:fs/promises';
import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { unmount } from '../host/mount.ts';
import { letGo } from './bring-in.ts';
import { type ContainerContext, cgroupPathOf, pathsOf, runtimeOf } from './context.ts';
import { dropPrepared } from './exec-prepare.ts';
import { publishUnmounts } from './mount-events.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { sharedWith } from './shared-namespaces.ts';
import { hideFiles } from './shown-files.ts';

/** Milliseconds that the monitors of a dead container's commands have to record their ends. */
const execPatience = 5000;

/**
 * Gives back what a running container holds of the host: the runtime's state, its control group, its network
 * sandbox, the mounted rootfs, its volumes, the bundle. Idempotent, so a restart may repeat it; the steps do not depend
 * on each other, run at once, and all are tried before the first fault is thrown.
 */
export async function releaseResources(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const paths = pathsOf(context, record);
  await context.copies.end(record.id);
  const results = await Promise.allSettled([
    deleteFromRuntime(context, record),
    context.networks.release(record.id, { shared: sharesNetwork(context, record) }),
    context.snapshots.unmount(record.id, paths.rootfs),
  ]);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  unmount(path.join(paths.bundle, 'shm'), { detach: true });
  hideFiles(context, record);
  publishUnmounts(context, record, await letGo(context, record, record.id));
  await endOfExecs(context, record);
  await rm(paths.bundle, { recursive: true, force: true });
}

/** Commands died with the container; their monitors record that in the bundle, and have a moment for it. */
async function endOfExecs(context: ContainerContext, record: ContainerRecord): Promise<void> {
  for (const exec of context.execs.of(record.id)) dropPrepared(context, exec);
  const running = context.execs.of(record.id).filter(({ status }) => status === 'running');
  if (running.length === 0) return;
  const { promise: given, resolve: giveUp } = Promise.withResolvers<void>();
  using _late = context.clock.setTimer(execPatience, giveUp);
  context.shutdown.addEventListener('abort', () => giveUp(), { once: true });
  if (context.shutdown.aborted) giveUp();
  await Promise.race([Promise.all(running.map(({ ended }) => ended.promise)), given]);
}

/** True while others run on this container's network, whose namespace then outlives it. */
const sharesNetwork = (context: ContainerContext, { id }: ContainerRecord): boolean =>
  context.store.all().some((other) => sharedWith(other.host.NetworkMode) === id && isRunning(other));

/**
 * Releases what a container that has ended still holds, by its open intents. Does nothing when there is none. `beside` is
 * done at the same time and must not throw; the intents end after both.
 */
export async function finishRelease(
  context: ContainerContext,
  record: ContainerRecord,
  beside: () => Promise<void> = async () => {},
): Promise<void> {
  const open = context.journal
    .pending()
    .filter(({ kind, subject }) => kind === 'container.release' && subject === record.id);
  if (open.length === 0) return await beside();
  const [released] = await Promise.allSettled([releaseResources(context, record), beside()]);
  if (released.status === 'rejected') throw released.reason;
  crashPoint('container.exit.released');
  for (const intent of open) context.journal.done(intent);
}

async function deleteFromRuntime(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await runtimeOf(context, record).delete(record.id, true);
  await context.cgroups.remove(cgroupPathOf(context, record));
}
