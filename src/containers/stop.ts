import { conflict, errnoOf, invalid, TugError } from '../base/errors.ts';
import { parseSignal } from '../base/process.ts';
import { isAlive } from '../host/process-identity.ts';
import type { ContainerContext } from './context.ts';
import { eventAttributes } from './create.ts';
import { thawIfPaused } from './pause.ts';
import { type ContainerRecord, isRunning } from './record.ts';

const DEFAULT_TIMEOUT = 10;
const SIGKILL = 9;

/**
 * Asks a container to end, and after `timeout` seconds (-1 for never; the container's own, or 10, when
 * undefined) kills it. Resolves when it has ended and is settled.
 * @throws not-modified when it is not running, invalid for an unknown signal.
 */
export async function stopContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: { timeout: number | undefined; signal: string | undefined },
): Promise<void> {
  const signal = signalNumber(options.signal || record.config.StopSignal || 'SIGTERM');
  if (!isRunning(record)) throw new TugError('not-modified', `container ${record.name} is not running`);
  const seconds = options.timeout ?? record.config.StopTimeout ?? DEFAULT_TIMEOUT;
  const ended = context.waiters.onExit(record.id);
  await send(context, record, signal);
  if (!(await endsWithin(ended, seconds)) && isRunning(record)) {
    await send(context, record, SIGKILL);
    await ended;
  }
  await settled(context, record);
  context.events.publish('container', 'stop', record.id, eventAttributes(record));
}

/** Sends a signal to a container's first process. @throws conflict when it is not running, invalid for an unknown signal. */
export async function killContainer(context: ContainerContext, record: ContainerRecord, signal: string): Promise<void> {
  const number = signalNumber(signal || 'SIGKILL');
  if (!isRunning(record)) {
    throw conflict(`cannot kill container: ${record.name}: container ${record.id} is not running`, {
      code: 'container-not-running',
    });
  }
  const ended = number === SIGKILL ? context.waiters.onExit(record.id) : undefined;
  await send(context, record, number);
  if (ended) {
    await ended;
    await settled(context, record);
  }
}

/** Kills a container and waits until its end is settled. Does nothing when it ended meanwhile. */
export async function killAndWait(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const ended = context.waiters.onExit(record.id);
  if (!isRunning(record)) return;
  await send(context, record, SIGKILL);
  await ended;
  await settled(context, record);
}

function signalNumber(text: string): number {
  const number = parseSignal(text);
  if (number === undefined) throw invalid(`invalid signal: ${text.slice(0, 64)}`);
  return number;
}

/**
 * kill(2) on the container's first process, which the state knows by pid and start time; a process that
 * ended this moment is no fault, its exit is on the way. A paused container goes on, since it could not react.
 */
async function send(context: ContainerContext, record: ContainerRecord, signal: number): Promise<void> {
  const { pid, pidStart } = record.state;
  if (isAlive(pid, pidStart)) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errnoOf(error) !== 'ESRCH') throw error;
    }
  }
  context.events.publish('container', 'kill', record.id, { ...eventAttributes(record), signal: String(signal) });
  await thawIfPaused(context, record);
}

async function endsWithin(ended: Promise<unknown>, seconds: number): Promise<boolean> {
  if (seconds < 0) {
    await ended;
    return true;
  }
  const timer = Promise.withResolvers<false>();
  const handle = setTimeout(() => timer.resolve(false), seconds * 1000);
  try {
    return await Promise.race([ended.then(() => true as const), timer.promise]);
  } finally {
    clearTimeout(handle);
  }
}

/** Waits until whoever settles the container's end has let go of its lock. */
const settled = (context: ContainerContext, record: ContainerRecord): Promise<void> =>
  context.locks.with('container', record.id, async () => {});
