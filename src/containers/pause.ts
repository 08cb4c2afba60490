import { crashPoint } from '../base/crash-points.ts';
import { conflict, isKind } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { refuseRestarting } from './cancel-restart.ts';
import { type ContainerContext, runtimeOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { type ContainerRecord, isRunning } from './record.ts';

/**
 * Freezes all processes of a container. Journaled: after a kill half-way the next engine records what the runtime
 * says. @throws conflict when it does not run or is paused already.
 */
export async function pauseContainer(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await context.locks.with('container', record.id, async () => {
    refuseRestarting(record);
    if (!isRunning(record)) throw notRunning(record);
    if (record.state.status === 'paused') throw conflict(`Container ${record.id} is already paused`);
    const intent = context.journal.begin('container.pause', record.id, {});
    await freeze(context, record).finally(() => context.journal.done(intent));
  });
}

/** Lets a paused container go on. @throws conflict when it is not paused. */
export async function unpauseContainer(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await context.locks.with('container', record.id, async () => {
    if (record.state.status !== 'paused') throw conflict(`Container ${record.id} is not paused`);
    const intent = context.journal.begin('container.pause', record.id, {});
    await thaw(context, record).finally(() => context.journal.done(intent));
  });
}

/** Lets a container go on if it is paused, so that it can take the signal that it was sent. */
export async function thawIfPaused(context: ContainerContext, record: ContainerRecord): Promise<void> {
  if (record.state.status !== 'paused') return;
  await context.locks.with('container', record.id, async () => {
    if (record.state.status !== 'paused') return;
    try {
      await thaw(context, record);
    } catch (error) {
      if (!isKind(error, 'conflict') && !isKind(error, 'not-found')) throw error; // it has ended meanwhile
    }
  });
}

/**
 * Runs `work` while a running container stands still, for a caller that holds its lock; one that is paused or does
 * not run is left as it is. A kill meanwhile leaves it frozen until the next engine starts.
 */
export async function whilePaused<T>(
  context: ContainerContext,
  record: ContainerRecord,
  work: () => Promise<T>,
): Promise<T> {
  if (record.state.status !== 'running') return await work();
  const intent = context.journal.begin('container.hold', record.id, {});
  try {
    await freeze(context, record);
    return await work();
  } finally {
    if (isPaused(record)) await thaw(context, record);
    context.journal.done(intent);
  }
}

/** Settles what a killed engine left of the above; strikes nothing out. Idempotent. */
export async function settlePause(context: ContainerContext, record: ContainerRecord, intent: Intent): Promise<void> {
  if (!isRunning(record)) return;
  const runtime = runtimeOf(context, record);
  const status = (await runtime.state(record.id))?.status;
  if (intent.kind === 'container.hold' && status === 'paused') await runtime.resume(record.id);
  const paused = intent.kind === 'container.pause' && status === 'paused';
  context.store.setState(record, { status: paused ? 'paused' : 'running' });
}

async function freeze(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await runtimeOf(context, record).pause(record.id);
  crashPoint('container.pause.frozen');
  context.store.setState(record, { status: 'paused' });
  context.events.publish('container', 'pause', record.id, eventAttributes(record));
}

async function thaw(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await runtimeOf(context, record).resume(record.id);
  context.store.setState(record, { status: 'running' });
  context.events.publish('container', 'unpause', record.id, eventAttributes(record));
}

const isPaused = (record: ContainerRecord): boolean => record.state.status === 'paused';
const notRunning = (record: ContainerRecord) =>
  conflict(`Container ${record.id} is not running`, { code: 'container-not-running' });
