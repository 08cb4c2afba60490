import { crashPoint } from '../base/crash-points.ts';
import { isKind } from '../base/errors.ts';
import type { ContainerContext } from './context.ts';
import { eventAttributes } from './create.ts';
import type { ContainerRecord } from './record.ts';
import { waitsForOthers } from './shared-namespaces.ts';
import { startContainer, startLocked } from './start.ts';
import { type StopOptions, stopContainer } from './stop.ts';
import { exitResponse } from './wait.ts';

/**
 * Stops a container as `stop` does, if it runs, and starts it. That it is to run again is recorded before the first
 * signal: killed at any moment after that, the next engine starts it once it has ended. One of --rm stays.
 * @throws invalid for an unknown signal, and what start throws.
 */
export async function restartContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: StopOptions,
): Promise<void> {
  context.restarts.byHand.add(record.id);
  try {
    await unlessDone(stopContainer(context, record, options, 'restart'));
    crashPoint('container.restart.stopped');
    await unlessDone(startContainer(context, record));
  } finally {
    context.restarts.byHand.delete(record.id);
  }
  context.events.publish('container', 'restart', record.id, eventAttributes(record));
}

async function unlessDone(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isKind(error, 'not-modified')) throw error;
  }
}

/** Milliseconds until it is looked again whether the containers that one shares namespaces with are up. */
const OTHERS_WAIT = 100;

/**
 * Starts a container whose wait is over. As in Docker, one that cannot be started is not tried again: it stays ended,
 * with the error in its state. Never throws. Killed before the start, the next engine finds it waiting still.
 */
export async function restartByPolicy(context: ContainerContext, id: string): Promise<void> {
  const record = context.store.get(id);
  if (!record) return;
  await context.locks.with('container', id, async () => {
    if (!context.restarts.isOpen() || record.state.status !== 'restarting' || !context.store.get(id)) return;
    if (waitsForOthers(context.store, record)) {
      context.restarts.schedule(id, OTHERS_WAIT);
      return;
    }
    crashPoint('container.restart.due');
    try {
      await startLocked(context, record, { byPolicy: true });
    } catch (error) {
      context.log.warn('a container cannot be restarted', { container: id, error });
      context.waiters.exited(id, exitResponse(record));
    }
  });
}
