import { setTimeout } from 'node:timers/promises';
import { crashPoint } from '../base/crash-points.ts';
import { asTugError } from '../base/errors.ts';
import type { MonitorExit } from '../runtime/monitor/contract.ts';
import { type ContainerContext, cgroupPathOf, pathsOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { finishLog } from './logging.ts';
import { type ContainerRecord, isRunning, LOST_CODE, LOST_SENTENCE } from './record.ts';
import { finishRelease } from './release.ts';
import { removeLocked } from './remove.ts';
import type { RestartPlan } from './restarts.ts';
import { exitResponse } from './wait.ts';

/** Milliseconds between two attempts to record an end on a full disk. */
const retryDelay = 1000;

/** Follows a running container to its end, once. Ends quietly when the engine shuts down: the next one watches again. */
export function watchExit(context: ContainerContext, record: ContainerRecord): void {
  const { pid, monitorPid, startedAt } = record.state;
  const memory = watchMemory(context, record);
  context.monitor
    .waitExit(pathsOf(context, record).bundle, { pid, monitorPid }, context.shutdown)
    .then((exit) => settleWhenPossible(context, record, exit, startedAt))
    .catch((error: unknown) => {
      if (context.shutdown.aborted) return;
      context.log.error('settling the end of a container', { container: record.id, error });
    })
    .finally(() => memory?.[Symbol.dispose]());
}

/**
 * Tells, as Docker does, of a process that the kernel killed for want of memory while the container runs on. Undefined
 * for one without a limit.
 */
function watchMemory(context: ContainerContext, record: ContainerRecord): Disposable | undefined {
  if (!record.host.Memory) return undefined;
  const { startedAt } = record.state;
  return context.monitor.watchMemory(pathsOf(context, record).bundle, () => {
    if (!isRunning(record) || record.state.startedAt !== startedAt || record.state.oomKilled) return;
    context.store.setState(record, { oomKilled: true });
    context.events.publish('container', 'oom', record.id, eventAttributes(record));
  });
}

/** On a full disk the end is recorded as soon as there is space again. */
async function settleWhenPossible(
  context: ContainerContext,
  record: ContainerRecord,
  exit: MonitorExit | 'lost',
  startedAt: string,
): Promise<void> {
  for (;;) {
    try {
      await settleExit(context, record, exit, startedAt);
      return;
    } catch (error) {
      if (asTugError(error).kind !== 'exhausted') throw error;
      context.log.error('the end of a container waits for space on the disk', { container: record.id, error });
      await setTimeout(retryDelay, undefined, { signal: context.shutdown });
    }
  }
}

/**
 * Records a container's end and gives back what it held; has it started again where its policy says so, and removes
 * it when it was run with --rm. Idempotent: what a fault cut off is finished. `startedAt` tells which run ended: a
 * container that was started again is left alone. Killed after the end is recorded, the next engine goes on with what
 * the record says (`boot.ts`).
 */
export async function settleExit(
  context: ContainerContext,
  record: ContainerRecord,
  exit: MonitorExit | 'lost',
  startedAt = record.state.startedAt,
): Promise<void> {
  crashPoint('container.exit.seen');
  await context.locks.with('container', record.id, async () => {
    if (record.state.startedAt !== startedAt || !context.store.get(record.id)) return;
    if (isRunning(record)) {
      const toldOfMemory = record.state.oomKilled;
      const restart = planRestart(context, record, exit);
      context.database.transaction(() => {
        recordExit(context, record, exit, restart);
        context.journal.begin('container.release', record.id, {});
      });
      crashPoint('container.exit.recorded');
      publishEnd(context, record, toldOfMemory);
      context.waiters.exited(record.id, exitResponse(record));
    }
    await finishRelease(context, record, () => finishLog(context, record));
    if (record.state.status === 'restarting') {
      crashPoint('container.restart.waiting');
      context.restarts.schedule(record.id, record.state.backoff);
    } else if (record.host.AutoRemove && record.state.asked !== 'restart') await removeLocked(context, record);
  });
}

/** Of what went down with the host it is decided when the engine is up whether it comes up too (`boot.ts`). */
function planRestart(context: ContainerContext, record: ContainerRecord, exit: MonitorExit | 'lost') {
  if (exit === 'lost')
    return context.restarts.isOpen() ? context.restarts.decide(record, LOST_CODE, new Date()) : undefined;
  return context.restarts.decide(record, exit.code, exit.at);
}

function recordExit(
  context: ContainerContext,
  record: ContainerRecord,
  exit: MonitorExit | 'lost',
  restart: RestartPlan | undefined,
): void {
  const lost = exit === 'lost';
  context.store.setState(record, {
    status: restart ? 'restarting' : 'exited',
    ...(restart ? { restartCount: restart.restartCount, backoff: restart.wait } : {}),
    pid: 0,
    monitorPid: 0,
    pidStart: 0,
    monitorStart: 0,
    exitCode: lost ? LOST_CODE : exit.code,
    oomKilled: lost ? false : exit.oomKilled,
    error: lost ? LOST_SENTENCE : '',
    memory: context.cgroups.memory(cgroupPathOf(context, record)) ?? null, // before the group is removed
    finishedAt: (lost ? new Date() : exit.at).toISOString(),
  });
}

function publishEnd(context: ContainerContext, record: ContainerRecord, toldOfMemory: boolean): void {
  const attributes = eventAttributes(record);
  if (record.state.oomKilled && !toldOfMemory) context.events.publish('container', 'oom', record.id, attributes);
  const seconds = Math.max(
    0,
    Math.floor((Date.parse(record.state.finishedAt) - Date.parse(record.state.startedAt)) / 1000),
  );
  context.events.publish('container', 'die', record.id, {
    ...attributes,
    execDuration: String(seconds),
    exitCode: String(record.state.exitCode),
  });
}
