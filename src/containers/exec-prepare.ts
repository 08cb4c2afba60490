import { rmSync } from 'node:fs';
import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import type { PreparedExec } from '../runtime/monitor/contract.ts';
import { type ContainerContext, pathsOf, runtimeOf } from './context.ts';
import type { Exec } from './exec-table.ts';
import { PROBE_PREFIX } from './paths.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { mapsOfProcess } from './user-namespace.ts';

/** Execs that were created and whose runtime has begun already. Clients ask for the start half a millisecond later. */
export type PreparedExecs = Map<Exec, Prepared>;

interface Prepared {
  readonly exec: PreparedExec;
  readonly folder: string;
  /** Whether its standard input is the engine's own null device. */
  readonly ownNull: boolean;
  /** The container's process that it was begun for. */
  readonly pid: number;
  readonly pidStart: number;
  readonly timer: Disposable;
  readonly onShutdown: () => void;
}

/** Milliseconds that a runtime waits for its exec's start. */
const patience = 5000;
/** Those that wait at a time: of clients that create and do not start. */
const most = 8;

/** A probe's folder says what it is, so that an engine which finds it knows. */
export function execFolder(context: ContainerContext, record: ContainerRecord, exec: Exec): string {
  const name = `${exec.purpose === 'user' ? '' : PROBE_PREFIX}${exec.id.slice(0, 16)}`;
  return path.join(pathsOf(context, record).bundle, 'exec', name);
}

/**
 * Begins an exec's runtime once what the caller does now is done, its answer above all. Killed after that, the engine
 * leaves a folder, which goes with the container, and a runtime that ends by itself.
 */
export function prepareExec(context: ContainerContext, record: ContainerRecord, exec: Exec): void {
  setImmediate(() => {
    if (context.preparedExecs.size >= most) return;
    if (exec.status !== 'created' || context.shutdown.aborted || !isRunning(record)) return;
    const folder = execFolder(context, record, exec);
    try {
      begin(context, record, exec, folder);
    } catch (error) {
      // its start does all anew, and tells the user
      context.log.debug('an exec could not be prepared', { container: record.id, exec: exec.id, error });
      removeQuietly(folder);
    }
  });
}

function removeQuietly(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // it goes with the container
  }
}

/** As far as can be said without a look at the container's users. */
const isPlainlyRoot = (record: ContainerRecord, { request }: Exec): boolean =>
  /^(root|0)?(:|$)/.test(request.User || record.config.User || '') && mapsOfProcess(record.state.pid) === undefined;

function begin(context: ContainerContext, record: ContainerRecord, exec: Exec, folder: string): void {
  const { request } = exec;
  const ownNull = !isPlainlyRoot(record, exec);
  const begun = context.monitor.prepareExec({
    containerId: record.id,
    folder,
    runtime: runtimeOf(context, record),
    terminal: request.Tty ?? false,
    stdin: request.AttachStdin ?? false,
    attach: Boolean(request.AttachStdout || request.AttachStderr),
    ...(ownNull ? { nullDevice: context.nullDevice } : {}),
  });
  if (!begun) return;
  crashPoint('exec.create.prepared');
  keep(context, record, exec, { exec: begun, folder, ownNull });
}

function keep(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  begun: Pick<Prepared, 'exec' | 'folder' | 'ownNull'>,
): void {
  const { pid, pidStart } = record.state;
  const drop = (): void => dropPrepared(context, exec);
  const timer = context.clock.setTimer(patience, drop);
  context.shutdown.addEventListener('abort', drop, { once: true });
  context.preparedExecs.set(exec, { ...begun, pid, pidStart, timer, onShutdown: drop });
}

/** What was prepared for an exec that is started now, if it still holds: a container that was restarted is another one. */
export function takePrepared(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  wanted: { attach: boolean; ownNull: boolean },
): PreparedExec | undefined {
  const prepared = release(context, exec);
  if (!prepared) return undefined;
  const same = prepared.pid === record.state.pid && prepared.pidStart === record.state.pidStart;
  if (same && wanted.attach && (prepared.ownNull || !wanted.ownNull)) return prepared.exec;
  prepared.exec.drop();
  return undefined;
}

/** Idempotent. */
export function dropPrepared(context: ContainerContext, exec: Exec): void {
  const prepared = release(context, exec);
  if (!prepared) return;
  prepared.exec.drop();
  rmSync(prepared.folder, { recursive: true, force: true });
}

function release(context: ContainerContext, exec: Exec): Prepared | undefined {
  const prepared = context.preparedExecs.get(exec);
  if (!prepared) return undefined;
  context.preparedExecs.delete(exec);
  prepared.timer[Symbol.dispose]();
  context.shutdown.removeEventListener('abort', prepared.onShutdown);
  return prepared;
}
