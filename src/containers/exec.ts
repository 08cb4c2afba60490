import { mkdirSync, rmSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { ExecCreateRequest, ExecInspect } from '../api/types/container.ts';
import { crashPoint } from '../base/crash-points.ts';
import { asTugError, conflict, errnoOf, invalid } from '../base/errors.ts';
import { parseSignal } from '../base/process.ts';
import { outsideId } from '../formats/id-maps.ts';
import { isAlive, isEnding, processStartTime } from '../host/process-identity.ts';
import type { MonitoredExec } from '../runtime/monitor/contract.ts';
import { ownCapabilities } from '../runtime/spec/capabilities.ts';
import { capabilitySets, confinement, containerCapabilities } from '../runtime/spec/spec.ts';
import type { OciProcess } from '../runtime/spec/types.ts';
import { refuseRestarting } from './cancel-restart.ts';
import { type ContainerContext, pathsOf, runtimeOf } from './context.ts';
import type { ContainerStreams } from './contract.ts';
import { eventAttributes } from './create.ts';
import { dropPrepared, execFolder, prepareExec, takePrepared } from './exec-prepare.ts';
import type { Exec } from './exec-table.ts';
import { containerHostname } from './files.ts';
import { linkEnvironment } from './links.ts';
import { mergeEnvironment, processEnvironment } from './merge.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { requireProfile, securityOf } from './security-labels.ts';
import { lookUpUser } from './user.ts';
import { mapsOfProcess } from './user-namespace.ts';

/** Registers a command to run in a running container. @throws conflict when it does not run, invalid without a command. */
export function createExec(
  context: ContainerContext,
  record: ContainerRecord,
  request: ExecCreateRequest,
  purpose: Exec['purpose'] = 'user',
): string {
  requireRunning(record);
  if (!request.Cmd?.length) throw invalid('No exec command specified');
  const exec = context.execs.add(record.id, request, purpose);
  publish(context, record, exec, 'exec_create');
  if (purpose === 'user') prepareExec(context, record, exec);
  return exec.id;
}

/**
 * Runs a registered command, once. Its process belongs to a monitor of its own, so it outlives the engine.
 * @throws conflict when it ran before or the container ended; the runtime's words when the command cannot run.
 */
export async function startExec(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  options: { detach: boolean; consoleSize: readonly number[] | undefined; accepted?: () => void },
): Promise<ContainerStreams> {
  requireRunning(record);
  if (exec.status !== 'created') throw conflict(`exec command ${exec.id} has already run`);
  if (endedMeanwhile(record)) throw notRunning(record);
  exec.status = 'running';
  options.accepted?.();
  const folder = execFolder(context, record, exec);
  let monitored: MonitoredExec;
  try {
    monitored = await launch(context, record, exec, folder, options);
  } catch (error) {
    publish(context, record, exec, 'exec_start'); // Docker tells the attempt
    exec.status = 'exited';
    exec.exitCode = asTugError(error).code === 'command-not-found' ? 127 : 126;
    dropPrepared(context, exec);
    rmSync(folder, { recursive: true, force: true });
    exec.ended.resolve();
    throw endedMeanwhile(record) ? notRunning(record, error) : error;
  }
  crashPoint('exec.start.spawned');
  exec.pid = monitored.pid;
  exec.pidStart = processStartTime(monitored.pid);
  publish(context, record, exec, 'exec_start');
  followExec(context, record, exec, folder, monitored);
  return {
    terminal: exec.request.Tty ?? false,
    history: undefined,
    live: monitored.stdio === undefined ? undefined : Promise.resolve(monitored.stdio),
    closeInput: true,
    ended: exec.ended.promise,
    detached: () => context.events.publish('container', 'exec_detach', record.id, execAttributes(record, exec)),
  };
}

async function launch(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  folder: string,
  options: { detach: boolean; consoleSize: readonly number[] | undefined },
): Promise<MonitoredExec> {
  const { request } = exec;
  const [rows, columns] = options.consoleSize ?? request.ConsoleSize ?? [];
  const process = execProcess(context, record, request);
  await requireProfile(context.apparmor, process.apparmorProfile, 'exec');
  mkdirSync(folder, { recursive: true, mode: 0o700 }); // what was prepared, and given up meanwhile, took it along
  crashPoint('exec.start.prepared');
  const maps = mapsOfProcess(record.state.pid);
  const ownNull = maps !== undefined || process.user.uid !== 0;
  const attach = !options.detach && Boolean(request.AttachStdin || request.AttachStdout || request.AttachStderr);
  const prepared = takePrepared(context, record, exec, { attach, ownNull });
  return await (prepared ?? context.monitor).exec({
    containerId: record.id,
    execId: exec.id,
    folder,
    runtime: runtimeOf(context, record),
    process,
    terminal: request.Tty ?? false,
    stdin: (request.AttachStdin ?? false) && !options.detach,
    attach,
    size: rows && columns ? { rows, columns } : undefined,
    ...(ownNull ? { nullDevice: context.nullDevice } : {}),
    ...(maps ? { pipeOwner: outsideId(maps.uids, process.user.uid) } : {}),
  });
}

function execProcess(context: ContainerContext, record: ContainerRecord, request: ExecCreateRequest): OciProcess {
  const { rootfs } = pathsOf(context, record);
  const user = lookUpUser(rootfs, request.User || record.config.User || '', record.host.GroupAdd ?? []);
  const environment = processEnvironment(
    { ...record.config, Tty: request.Tty },
    containerHostname(record),
    user.home,
    linkEnvironment(context, record),
  );
  const capabilities = request.Privileged ? ownCapabilities() : containerCapabilities(record.host);
  return {
    terminal: request.Tty ?? false,
    user: { uid: user.uid, gid: user.gid, additionalGids: [...user.additionalGids] },
    args: [...(request.Cmd ?? [])],
    env: mergeEnvironment(environment, request.Env ?? []),
    cwd: request.WorkingDir || record.config.WorkingDir || '/',
    capabilities: capabilitySets(capabilities, user.uid),
    ...confinement(
      request.Privileged ? { apparmor: context.apparmor ? 'unconfined' : undefined } : securityOf(context, record),
      context.selinux && record.labels,
    ),
    noNewPrivileges: (record.host.SecurityOpt ?? []).some((option) => /^no-new-privileges([:=]true)?$/.test(option)),
  };
}

function followExec(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  folder: string,
  pids: MonitoredExec,
): void {
  context.monitor
    .waitExit(folder, pids, context.shutdown)
    .then(async (exit) => {
      crashPoint('exec.exit.seen');
      exec.exitCode = exit === 'lost' ? 255 : exit.code;
      exec.status = 'exited';
      exec.pid = 0;
      if (exec.purpose !== 'early-probe') {
        const attributes = { ...execAttributes(record, exec), exitCode: String(exec.exitCode) };
        context.events.publish('container', 'exec_die', record.id, attributes);
      }
      exec.ended.resolve();
      await setImmediate(); // a client is told first
      rmSync(folder, { recursive: true, force: true });
    })
    .catch((error: unknown) => {
      if (!context.shutdown.aborted) context.log.error('following an exec', { exec: exec.id, error });
    });
}

/** `GET /exec/{id}/json`. */
export function inspectExec(exec: Exec): ExecInspect {
  const [entrypoint = '', ...rest] = exec.request.Cmd ?? [];
  return {
    ID: exec.id,
    Running: exec.status === 'running',
    ExitCode: exec.exitCode ?? null,
    ProcessConfig: {
      tty: exec.request.Tty ?? false,
      entrypoint,
      arguments: rest,
      privileged: exec.request.Privileged ?? false,
      ...(exec.request.User ? { user: exec.request.User } : {}),
    },
    OpenStdin: exec.request.AttachStdin ?? false,
    OpenStderr: exec.request.AttachStderr ?? false,
    OpenStdout: exec.request.AttachStdout ?? false,
    CanRemove: exec.status === 'exited',
    ContainerID: exec.containerId,
    DetachKeys: exec.request.DetachKeys ?? '',
    Pid: exec.pid,
  };
}

/** Sets the window of an exec's terminal. @throws conflict when it does not run. */
export async function resizeExec(
  context: ContainerContext,
  record: ContainerRecord,
  exec: Exec,
  rows: number,
  columns: number,
): Promise<void> {
  if (exec.status !== 'running') throw conflict(`exec ${exec.id} is not running`);
  await context.monitor.resize(execFolder(context, record, exec), rows, columns);
}

/**
 * Sends a signal to an exec's process, of which the container need not notice.
 * @throws conflict when it does not run, invalid for an unknown signal.
 */
export function killExec(exec: Exec, signal: string): void {
  const number = parseSignal(signal);
  if (number === undefined) throw invalid(`invalid signal: ${signal.slice(0, 64)}`);
  if (exec.status !== 'running' || !isAlive(exec.pid, exec.pidStart)) throw conflict(`exec ${exec.id} is not running`);
  try {
    process.kill(exec.pid, number);
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw error; // it ended this moment
  }
}

const execAttributes = (record: ContainerRecord, exec: Exec): Record<string, string> => ({
  ...eventAttributes(record),
  execID: exec.id,
});

/** Docker puts a blank behind the command, also where it has no arguments. */
function publish(context: ContainerContext, record: ContainerRecord, exec: Exec, action: string): void {
  if (exec.purpose === 'early-probe') return;
  const [command = '', ...args] = exec.request.Cmd ?? [];
  const attributes = execAttributes(record, exec);
  context.events.publish('container', `${action}: ${command} ${args.join(' ')}`, record.id, attributes);
}

/** What the runtime says of a container that ends while a command is begun in it differs by the moment. */
const endedMeanwhile = (record: ContainerRecord): boolean =>
  !isRunning(record) || !isAlive(record.state.pid, record.state.pidStart) || isEnding(record.state.pid);

const notRunning = (record: ContainerRecord, cause?: unknown) =>
  conflict(`container ${record.id} is not running`, { code: 'container-not-running', cause });

function requireRunning(record: ContainerRecord): void {
  if (record.state.status === 'paused')
    throw conflict(`container ${record.name} is paused, unpause the container before exec`);
  refuseRestarting(record);
  if (!isRunning(record)) throw notRunning(record);
}
