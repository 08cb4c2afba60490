import type { ContainerContext } from './context.ts';
import { type ContainerRecord, isActive, isRunning } from './record.ts';
import { startsWithEngine } from './restart-policy.ts';
import { startContainer } from './start.ts';

/** Containers that are started at a time. */
const AT_ONCE = 8;

/**
 * Starts what is to run with the engine: containers whose policy says so, those that a client was restarting when the
 * last engine ended, and those that were waiting, which wait for the rest of their time. The health of those that run
 * is checked again. Returns at once. Nothing is
 * recorded here: killed at any moment, the next engine comes to the same containers again.
 */
export function bootContainers(context: ContainerContext): void {
  context.restarts.open();
  const records = context.store.all();
  for (const record of records.filter(isRunning)) context.health.resume(record);
  for (const record of records.filter(({ state }) => state.status === 'restarting'))
    context.restarts.schedule(record.id, restOfWait(record));
  const standing = records.filter(startsNow);
  for (let lane = 0; lane < Math.min(AT_ONCE, standing.length); lane += 1) void startOneByOne(context, standing);
}

/** By the time of day, since the clock of the last engine is gone; a day that was set back or forward costs no more than the whole wait. */
function restOfWait({ state }: ContainerRecord): number {
  const waited = Date.now() - Date.parse(state.finishedAt);
  return Math.min(Math.max(state.backoff - waited, 0), state.backoff);
}

/** A container that never ran is not started: whoever wanted it to was told that it failed. */
function startsNow(record: ContainerRecord): boolean {
  const { asked, exitCode, restartCount, startedAt, status } = record.state;
  if (isActive(record) || status === 'removing' || startedAt.startsWith('0001')) return false;
  if (asked === 'restart') return true;
  const ended = { failed: exitCode !== 0, restarts: restartCount, stopped: asked === 'stop' };
  return startsWithEngine(record.host.RestartPolicy, ended);
}

async function startOneByOne(context: ContainerContext, queue: ContainerRecord[]): Promise<void> {
  for (;;) {
    const record = context.shutdown.aborted ? undefined : queue.shift();
    if (!record) return;
    try {
      if (context.store.get(record.id) && !isActive(record)) await startContainer(context, record);
    } catch (error) {
      context.log.warn('a container cannot be started with the engine', { container: record.id, error });
    }
  }
}
