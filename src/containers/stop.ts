import { crashPoint } from '../base/crash-points.ts';
import { conflict, errnoOf, invalid, TugError } from '../base/errors.ts';
import { parseSignal } from '../base/process.ts';
import { isAlive } from '../host/process-identity.ts';
import { callOffStart } from './call-off.ts';
import { cancelRestart, refuseRestarting } from './cancel-restart.ts';
import type { ContainerContext } from './context.ts';
import { eventAttributes } from './create.ts';
import { thawIfPaused } from './pause.ts';
import { type ContainerRecord, isActive, isRunning, type RecordedState } from './record.ts';

const DEFAULT_TIMEOUT = 10;
const SIGKILL = 9;

export interface StopOptions {
  /** Seconds, -1 for no limit; the container's own when undefined. */
  readonly timeout: number | undefined;
  readonly signal: string | undefined;
}

/**
 * Asks a container to end, and after `timeout` seconds (-1 for never; the container's own, or 10, when
 * undefined) kills it. Resolves when it has ended and is settled. One that waits to be restarted waits no more.
 * `asked` is recorded before the first signal, so that its end is followed by the right thing also when the engine
 * is killed meanwhile.
 * @throws not-modified when it is not running, invalid for an unknown signal.
 */
export async function stopContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: StopOptions,
  asked: Exclude<RecordedState['asked'], ''> = 'stop',
): Promise<void> {
  const signal = signalNumber(options.signal || defaultSignal(record));
  const calledOff = await endStart(context, record);
  if (!isActive(record)) {
    if (calledOff) return;
    throw new TugError('not-modified', `container ${record.name} is not running`);
  }
  if (!(await cancelRestart(context, record, asked))) await end(context, record, signal, options.timeout, asked);
  context.events.publish('container', 'stop', record.id, eventAttributes(record));
}

const defaultSignal = (record: ContainerRecord): string => record.config.StopSignal || 'SIGTERM';

async function end(
  context: ContainerContext,
  record: ContainerRecord,
  signal: number,
  timeout: number | undefined,
  asked: RecordedState['asked'],
): Promise<void> {
  const seconds = timeout ?? record.config.StopTimeout ?? DEFAULT_TIMEOUT;
  if (asked === 'unhealthy' && !['', asked].includes(record.state.asked)) return; // a user was faster
  if (isRunning(record)) {
    context.store.setState(record, { asked });
    crashPoint('container.stop.asked');
    const ended = context.waiters.onExit(record.id);
    await send(context, record, signal);
    crashPoint('container.stop.signalled');
    if (!(await endsWithin(ended, seconds)) && isRunning(record)) {
      await send(context, record, SIGKILL);
      await ended;
    }
  }
  await settled(context, record);
}

/**
 * Sends a signal to a container's first process. SIGKILL and the container's stop signal count as stopping it: no
 * policy starts it again. @throws conflict when it is not running, invalid for an unknown signal.
 */
export async function killContainer(context: ContainerContext, record: ContainerRecord, signal: string): Promise<void> {
  const number = signalNumber(signal || 'SIGKILL');
  const calledOff = await endStart(context, record);
  if (!isActive(record)) {
    if (calledOff) return;
    throw conflict(`cannot kill container: ${record.name}: container ${record.id} is not running`, {
      code: 'container-not-running',
    });
  }
  const stops = number === SIGKILL || number === parseSignal(defaultSignal(record));
  if (!stops) refuseRestarting(record);
  if (await cancelRestart(context, record)) return;
  if (stops && isRunning(record)) context.store.setState(record, { asked: 'stop' });
  const ended = number === SIGKILL && isRunning(record) ? context.waiters.onExit(record.id) : undefined;
  await send(context, record, number);
  if (ended) {
    await ended;
    await settled(context, record);
  }
}

/** Kills a container and waits until its end is settled. Does nothing when it ended meanwhile. */
export async function killAndWait(context: ContainerContext, record: ContainerRecord): Promise<void> {
  if (await cancelRestart(context, record)) return;
  if (!isRunning(record)) return;
  context.store.setState(record, { asked: 'stop' });
  const ended = context.waiters.onExit(record.id);
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

/** Calls off a start that is under way, and waits for what comes of it. False when there is none. */
async function endStart(context: ContainerContext, record: ContainerRecord): Promise<boolean> {
  if (isActive(record) || !callOffStart(context, record)) return false;
  await settled(context, record);
  return true;
}

/** Waits until whoever settles the container's end has let go of its lock. */
const settled = (context: ContainerContext, record: ContainerRecord): Promise<void> =>
  context.locks.with('container', record.id, async () => {});
