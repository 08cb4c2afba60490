import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import * as path from 'node:path';
import { conflict, errnoOf, isKind, messageOf } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { listMounts, unmount } from '../host/mount.ts';
import { isAlive, processStartTime } from '../host/process-identity.ts';
import { killMonitorAndChildren } from '../host/process-tree.ts';
import type { RuntimeState } from '../runtime/contract.ts';
import { type ContainerContext, pathsOf, runtimeOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { settleExit, watchExit } from './exit.ts';
import { type ResolverPayload, resolverIntent, settleResolver } from './follow-names.ts';
import { keepLog } from './logging.ts';
import { PROBE_PREFIX } from './paths.ts';
import { settlePause } from './pause.ts';
import { type ContainerRecord, isRunning } from './record.ts';
import { releaseResources } from './release.ts';
import { type RemovePayload, removeLocked } from './remove.ts';
import { restartFields, type StartPayload } from './start.ts';
import { settleUnlink, type UnlinkPayload, unlinkIntent } from './unlink.ts';
import { settleUpdate } from './update.ts';

/**
 * Makes the containers agree with the world after the engine was stopped or killed at any moment: starts,
 * exits and removals that were cut off are finished or undone, ended containers get their exit code, running
 * ones are watched again, and what belongs to no container is taken away. Idempotent, and safe to be killed in.
 */
export async function recoverContainers(context: ContainerContext): Promise<void> {
  const intents = context.journal.pending().filter(({ kind }) => kind.startsWith('container.'));
  for (const intent of intents) await settleIntent(context, intent);
  const running = context.store.all().filter(isRunning);
  await Promise.all(running.map((record) => takeUp(context, record)));
  await sweep(context);
}

async function settleIntent(context: ContainerContext, intent: Intent): Promise<void> {
  const record = context.store.get(intent.subject);
  if (record && intent.kind === 'container.start') await settleStart(context, record, intent.payload as StartPayload);
  if (record && (intent.kind === 'container.pause' || intent.kind === 'container.hold'))
    await settlePause(context, record, intent);
  if (record && intent.kind === 'container.update') await settleUpdate(context, record, intent);
  if (record && intent.kind === resolverIntent) settleResolver(context, record, intent.payload as ResolverPayload);
  if (record && intent.kind === unlinkIntent) settleUnlink(context, record, intent.payload as UnlinkPayload);
  if (record && intent.kind === 'container.release') await releaseResources(context, record);
  if (record && intent.kind === 'container.remove')
    await removeLocked(context, record, intent.payload as RemovePayload);
  else if (record && intent.kind === 'container.release' && record.host.AutoRemove && record.state.asked !== 'restart')
    await removeLocked(context, record);
  context.journal.done(intent);
}

/** A start that was cut off: the container is kept if its process got as far as running, else all is undone. */
async function settleStart(context: ContainerContext, record: ContainerRecord, how: StartPayload): Promise<void> {
  const state = await stateFrom(context, record);
  const { bundle } = pathsOf(context, record);
  const exit = context.monitor.exitOf(bundle);
  const monitor = (await context.monitor.find(bundle)).find(({ folder }) => folder === bundle);
  const began =
    state?.status === 'running' || state?.status === 'paused' || (exit !== undefined && state?.status === 'stopped');
  if (began) {
    const pid = state?.pid ?? 0;
    context.store.setState(record, {
      ...restartFields(how),
      status: 'running',
      pid,
      monitorPid: monitor?.pid ?? 0,
      pidStart: processStartTime(pid),
      monitorStart: processStartTime(monitor?.pid ?? 0),
      startedAt: new Date().toISOString(),
      exitCode: 0,
      error: '',
    });
    context.log.info('kept a container whose start was cut off', { container: record.id });
    context.events.publish('container', 'start', record.id, eventAttributes(record));
    return;
  }
  if (monitor) process.kill(monitor.pid, 'SIGKILL');
  await releaseResources(context, record);
  if (record.host.AutoRemove && record.state.asked !== 'restart') {
    await removeLocked(context, record);
    return;
  }
  if (record.state.status === 'restarting') return; // its wait is over, and `boot.ts` starts it
  context.store.setState(record, {
    status: record.state.startedAt.startsWith('0001') ? 'created' : 'exited',
    pid: 0,
    monitorPid: 0,
    error: 'the engine ended while the container was being started',
  });
}

/** Nothing of a runtime that hangs: the start is undone then. */
async function stateFrom(context: ContainerContext, record: ContainerRecord): Promise<RuntimeState | undefined> {
  try {
    return await runtimeOf(context, record).state(record.id);
  } catch (error) {
    if (!isKind(error, 'unavailable')) throw error;
    context.log.error('the runtime of a container does not answer', { container: record.id, error });
    return undefined;
  }
}

/** A container that ran when the engine went away: still runs, or its exit is recorded, or it is lost. */
async function takeUp(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const exit = context.monitor.exitOf(pathsOf(context, record).bundle);
  const { pid, pidStart, monitorPid, monitorStart } = record.state;
  const alive = isAlive(pid, pidStart) || isAlive(monitorPid, monitorStart);
  if (exit === undefined && alive) {
    keepLog(context, record);
    watchExit(context, record);
  } else await settleExit(context, record, exit ?? 'lost');
}

/** What lies in the exec root and the data root and belongs to no container, and monitors without one. */
async function sweep(context: ContainerContext): Promise<void> {
  const alive = new Set(
    context.store
      .all()
      .filter(isRunning)
      .map(({ id }) => id),
  );
  const known = new Set(context.store.all().map(({ id }) => id));
  const bundles = path.join(context.execRoot, 'containers');
  for (const monitor of await context.monitor.find(bundles)) {
    if (!alive.has(path.relative(bundles, monitor.folder).split('/')[0]!)) killQuietly(monitor.pid);
    else if (path.basename(monitor.folder).startsWith(PROBE_PREFIX)) await endProbe(monitor);
    else context.monitor.readOn(monitor);
  }
  for (const runtime of context.runtimes.values()) {
    for (const id of await runtime.list()) if (!alive.has(id)) await runtime.delete(id, true);
  }
  for (const { target } of listMounts(bundles).reverse()) {
    if (!alive.has(path.relative(bundles, target).split('/')[0]!)) unmount(target, { detach: true });
  }
  await removeStrangers(bundles, alive);
  await removeStrangers(path.join(context.dataRoot, 'containers'), known);
  for (const id of await context.snapshots.containers()) if (!known.has(id)) await context.snapshots.discard(id);
  for (const cgroup of await context.cgroups.list()) {
    if (![...alive].some((id) => cgroup.endsWith(id))) await context.cgroups.remove(cgroup);
  }
}

/** A health check that was running when the last engine was killed: its result has no reader, and its time no end. */
async function endProbe({ pid, folder }: { pid: number; folder: string }): Promise<void> {
  killMonitorAndChildren(pid);
  await rm(folder, { recursive: true, force: true });
}

async function removeStrangers(folder: string, keep: ReadonlySet<string>): Promise<void> {
  let names: string[] = [];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  for (const name of names) if (!keep.has(name)) await rm(path.join(folder, name), { recursive: true, force: true });
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (errnoOf(error) !== 'ESRCH') throw conflict(`stray monitor ${pid}: ${messageOf(error)}`, { cause: error });
  }
}
