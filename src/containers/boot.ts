import { type BootOrder, createBootOrder, createSlots, together } from './boot-order.ts';
import type { ContainerContext } from './context.ts';
import { eventAttributes } from './create.ts';
import { judge, type Verdict } from './dependencies.ts';
import { type ContainerRecord, isActive, isRunning } from './record.ts';
import { startsWithEngine } from './restart-policy.ts';
import { sharedContainers } from './shared-namespaces.ts';
import { startContainer } from './start.ts';
import { restartUnhealthy } from './unhealthy.ts';
import { exitResponse } from './wait.ts';

/** Containers that are started at a time. */
const AT_ONCE = 8;

/**
 * Starts what is to run with the engine: containers whose policy says so, those that a client was restarting when the
 * last engine ended, and those that were waiting, which wait for the rest of their time; each after those it depends
 * on. The health of those that run is checked again. Returns at once. Nothing is recorded here but failures: killed at
 * any moment, the next engine comes to the same containers again.
 */
export function bootContainers(context: ContainerContext): void {
  context.restarts.open();
  const records = context.store.all();
  for (const record of records.filter(isRunning)) {
    context.health.resume(record);
    if (context.health.of(record.id)?.status === 'unhealthy') restartUnhealthy(context, record);
  }
  const coming = records.filter((record) => isWaiting(record) || startsNow(record));
  const boot: Boot = {
    order: createBootOrder(),
    pending: new Set(coming.map(({ id }) => id)),
    inSlot: createSlots(AT_ONCE),
  };
  const subscription = context.events.subscribe(({ Type }) => {
    if (Type === 'container') boot.order.recheck();
  });
  const all = coming.map((record) => comeUp(context, boot, record));
  void Promise.all(all).finally(() => subscription[Symbol.dispose]());
}

interface Boot {
  readonly order: BootOrder;
  /** Those that were not tried yet. */
  readonly pending: Set<string>;
  readonly inSlot: <T>(work: () => Promise<T>) => Promise<T>;
}

const isWaiting = ({ state }: ContainerRecord): boolean => state.status === 'restarting';

/** A container that never ran is not started: whoever wanted it to was told that it failed. */
function startsNow(record: ContainerRecord): boolean {
  const { asked, exitCode, restartCount, startedAt, status } = record.state;
  if (isActive(record) || status === 'removing' || startedAt.startsWith('0001')) return false;
  if (asked === 'restart') return true;
  const ended = { failed: exitCode !== 0, restarts: restartCount, stopped: asked === 'stop' };
  return startsWithEngine(record.host.RestartPolicy, ended);
}

/** Never throws. */
async function comeUp(context: ContainerContext, boot: Boot, record: ContainerRecord): Promise<void> {
  try {
    let failed: string | undefined;
    const refusal = await boot.order.ready(() => {
      const verdicts = verdictsOn(context, boot, record);
      failed ??= verdicts.find(({ verdict }) => typeof verdict === 'object')?.name;
      return together(verdicts.map(({ verdict }) => verdict));
    });
    if (!context.restarts.isOpen() || !context.store.get(record.id)) return;
    if (refusal !== undefined) await giveUp(context, record, failed ?? '', refusal);
    else if (isWaiting(record)) context.restarts.schedule(record.id, restOfWait(record));
    else await boot.inSlot(() => startUnlessDone(context, record));
  } catch (error) {
    context.log.warn('a container cannot be started with the engine', { container: record.id, error });
  } finally {
    boot.pending.delete(record.id);
    boot.order.recheck();
  }
}

function verdictsOn(
  context: ContainerContext,
  boot: Boot,
  record: ContainerRecord,
): { name: string; verdict: Verdict }[] {
  const shared = sharedContainers(record.host).map((Container) => ({ Container, Condition: 'started' as const }));
  return [...(record.host.DependsOn ?? []), ...shared].map(({ Container: id, Condition: condition }) => {
    const other = context.store.get(id);
    const verdict = judge(other, context.health.of(id), condition, boot.pending.has(id));
    return { name: other?.name ?? id, verdict };
  });
}

async function startUnlessDone(context: ContainerContext, record: ContainerRecord): Promise<void> {
  if (!context.restarts.isOpen() || isActive(record) || !context.store.get(record.id)) return;
  await context.restarts.underway(startContainer(context, record));
}

/** By the time of day, since the clock of the last engine is gone; a day that was set back or forward costs no more than the whole wait. */
function restOfWait({ state }: ContainerRecord): number {
  const waited = Date.now() - Date.parse(state.finishedAt);
  return Math.min(Math.max(state.backoff - waited, 0), state.backoff);
}

/** A container stays down because of another: its state, an event and the log say so. The next boot tries again. */
async function giveUp(context: ContainerContext, record: ContainerRecord, other: string, why: string): Promise<void> {
  const error = `not started with the engine: container "${other}", which it depends on, ${why}`;
  const done = await context.locks.with('container', record.id, async () => {
    if (isRunning(record) || !context.store.get(record.id)) return false;
    context.store.setState(record, { status: 'exited', error });
    return true;
  });
  if (!done) return;
  context.log.warn('a container stays down because of one that it depends on', { container: record.id, other, why });
  const attributes = { ...eventAttributes(record), dependency: other, reason: why };
  context.events.publish('container', 'dependency_failed', record.id, attributes);
  context.waiters.exited(record.id, exitResponse(record));
}
