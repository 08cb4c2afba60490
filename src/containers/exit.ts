import { crashPoint } from '../base/crash-points.ts';
import type { MonitorExit } from '../runtime/monitor/contract.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { type ContainerRecord, isRunning, LOST_CODE, LOST_SENTENCE } from './record.ts';
import { releaseResources } from './release.ts';
import { removeLocked } from './remove.ts';
import { exitResponse } from './wait.ts';

/** Follows a running container to its end, once. Ends quietly when the engine shuts down: the next one watches again. */
export function watchExit(context: ContainerContext, record: ContainerRecord): void {
  const { pid, monitorPid } = record.state;
  context.monitor
    .waitExit(pathsOf(context, record).bundle, { pid, monitorPid }, context.shutdown)
    .then((exit) => settleExit(context, record, exit))
    .catch((error: unknown) => {
      if (context.shutdown.aborted) return;
      context.log.error('settling the end of a container', { container: record.id, error });
    });
}

/** Records a container's end and gives back what it held; removes it when it was run with --rm. Idempotent. */
export async function settleExit(context: ContainerContext, record: ContainerRecord, exit: MonitorExit | 'lost') {
  crashPoint('container.exit.seen');
  await context.locks.with('container', record.id, async () => {
    if (!isRunning(record)) return;
    const intent = context.database.transaction(() => {
      recordExit(context, record, exit);
      return context.journal.begin('container.release', record.id, {});
    });
    crashPoint('container.exit.recorded');
    publishEnd(context, record);
    context.waiters.exited(record.id, exitResponse(record));
    await releaseResources(context, record);
    crashPoint('container.exit.released');
    context.journal.done(intent);
    if (record.host.AutoRemove) await removeLocked(context, record);
  });
}

function recordExit(context: ContainerContext, record: ContainerRecord, exit: MonitorExit | 'lost'): void {
  const lost = exit === 'lost';
  context.store.setState(record, {
    status: 'exited',
    pid: 0,
    monitorPid: 0,
    pidStart: 0,
    monitorStart: 0,
    exitCode: lost ? LOST_CODE : exit.code,
    oomKilled: lost ? false : exit.oomKilled,
    error: lost ? LOST_SENTENCE : '',
    finishedAt: (lost ? new Date() : exit.at).toISOString(),
  });
}

function publishEnd(context: ContainerContext, record: ContainerRecord): void {
  const attributes = eventAttributes(record);
  if (record.state.oomKilled) context.events.publish('container', 'oom', record.id, attributes);
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
