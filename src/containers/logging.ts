import { unsupported } from '../base/errors.ts';
import type { LogDriver, LoggedContainer, LogKeeping, LogReadOptions } from '../logs/contract.ts';
import { type ContainerContext, pathsOf } from './context.ts';
import type { ContainerLog } from './contract.ts';
import { type ContainerRecord, isRunning } from './record.ts';

/** @throws unsupported for a driver that this engine does not have (any more). */
function driverOf(context: ContainerContext, record: ContainerRecord): LogDriver {
  const name = record.host.LogConfig?.Type ?? context.defaultLogDriver;
  const driver = context.logDrivers.get(name);
  if (!driver) throw unsupported(`logger: no log driver named '${name}' is registered`);
  return driver;
}

function logged(context: ContainerContext, record: ContainerRecord, signal?: AbortSignal): LoggedContainer {
  const paths = pathsOf(context, record);
  return {
    id: record.id,
    name: record.name,
    imageId: record.imageId,
    imageName: record.imageName,
    created: record.created,
    command: [record.path, ...record.args],
    labels: record.config.Labels ?? {},
    env: record.config.Env ?? [],
    options: record.host.LogConfig?.Config ?? {},
    monitorLog: paths.monitorLog,
    ended: async () => {
      if (isRunning(record)) await context.waiters.onExit(record.id, signal);
    },
    reopen: () => context.monitor.reopenLog(paths.bundle, paths.monitorLog),
  };
}

/** A container's log. @throws unsupported when its driver keeps none that can be read. */
export function readLog(
  context: ContainerContext,
  record: ContainerRecord,
  options: LogReadOptions,
  signal: AbortSignal,
): ContainerLog {
  const driver = driverOf(context, record);
  const container = logged(context, record, signal);
  return {
    terminal: record.config.Tty ?? false,
    attributes: driver.attributes(container),
    batches: driver.reader(container).read(options, signal),
  };
}

export function logPath(context: ContainerContext, record: ContainerRecord): string {
  return context.logDrivers.get(record.host.LogConfig?.Type ?? '')?.path(logged(context, record)) ?? '';
}

/** Removes what was logged so far. @throws unsupported when nothing is kept. */
export async function clearLog(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await driverOf(context, record).clear(logged(context, record));
}

/** Before the monitor opens its log. @throws when what the driver needs is not there. */
export async function prepareLog(context: ContainerContext, record: ContainerRecord): Promise<void> {
  await driverOf(context, record).prepare(logged(context, record));
}

/** Takes care of the log of a container whose monitor writes it. */
export function keepLog(context: ContainerContext, record: ContainerRecord): LogKeeping {
  const kept = context.logKeepings.get(record.id);
  if (kept) return kept;
  const keeping = driverOf(context, record).keep(logged(context, record));
  context.logKeepings.set(record.id, keeping);
  return keeping;
}

/** The container has ended: its log is completed. Also for one that ended while no engine ran. */
export async function finishLog(context: ContainerContext, record: ContainerRecord): Promise<void> {
  try {
    await keepLog(context, record).finish();
  } catch (error) {
    context.log.error('completing a log', { container: record.id, error });
  } finally {
    context.logKeepings.delete(record.id);
  }
}

/** Lets go of a log that nobody will need. */
export function dropLog(context: ContainerContext, record: ContainerRecord): void {
  context.logKeepings.get(record.id)?.stop();
  context.logKeepings.delete(record.id);
}
