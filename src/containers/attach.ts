import { conflict } from '../base/errors.ts';
import type { AttachedStdio } from '../runtime/monitor/contract.ts';
import { refuseRestarting } from './cancel-restart.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import type { AttachOptions, ContainerStreams } from './contract.ts';
import { eventAttributes } from './create.ts';
import { readLog } from './logging.ts';
import { type ContainerRecord, isRunning } from './record.ts';

/**
 * Connects a client to a container's stdio. One that attaches to a created container is connected between
 * the runtime's create and start, so it sees the first byte; it waits for as long as the container is not started.
 * @throws conflict when the container is paused.
 */
export async function attachContainer(
  context: ContainerContext,
  record: ContainerRecord,
  options: AttachOptions,
  signal: AbortSignal,
): Promise<ContainerStreams> {
  if (record.state.status === 'paused')
    throw conflict(`container ${record.name} is paused, unpause the container before attach`);
  refuseRestarting(record, ' before attach');
  const terminal = record.config.Tty ?? false;
  const history = options.logs
    ? readLog(context, record, { stdout: options.stdout, stderr: options.stderr, follow: false }, signal).batches
    : undefined;
  const live = options.stream ? connect(context, record, signal) : undefined;
  context.events.publish('container', 'attach', record.id, eventAttributes(record));
  const detached = (): void => context.events.publish('container', 'detach', record.id, eventAttributes(record));
  return { terminal, history, live, closeInput: options.stdin && (record.config.StdinOnce ?? false), detached };
}

function connect(context: ContainerContext, record: ContainerRecord, signal: AbortSignal) {
  if (isRunning(record)) return context.monitor.attach(pathsOf(context, record).bundle);
  const { promise, resolve } = Promise.withResolvers<AttachedStdio | undefined>();
  let waiting = context.earlyAttachers.get(record.id);
  if (!waiting) {
    waiting = new Set();
    context.earlyAttachers.set(record.id, waiting);
  }
  waiting.add(resolve);
  signal.addEventListener('abort', () => {
    context.earlyAttachers.get(record.id)?.delete(resolve);
    resolve(undefined);
  });
  return promise;
}
