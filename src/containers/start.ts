import { mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { asTugError, conflict, TugError } from '../base/errors.ts';
import type { Intent } from '../base/journal.ts';
import { parseEgress } from '../formats/egress-rule.ts';
import { processStartTime } from '../host/process-identity.ts';
import type { Sandbox } from '../networks/contract.ts';
import type { Runtime } from '../runtime/contract.ts';
import type { Monitored } from '../runtime/monitor/contract.ts';
import { bringIn } from './bring-in.ts';
import { type CheckpointPlace, checkpointFolder } from './checkpoints.ts';
import { type Namespaces, specOf, userOf } from './container-spec.ts';
import { type ContainerContext, pathsOf, runtimeOf } from './context.ts';
import { eventAttributes } from './create.ts';
import { watchExit } from './exit.ts';
import { containerHostname, resolverWish, writeEtcFiles } from './files.ts';
import { linkedHosts, linkTargets, refreshLinks } from './links.ts';
import { dropLog, keepLog, prepareLog } from './logging.ts';
import { publishMounts } from './mount-events.ts';
import { requestedPorts } from './ports.ts';
import { type ContainerRecord, isActive } from './record.ts';
import { finishRelease, releaseResources } from './release.ts';
import { removeLocked } from './remove.ts';
import { labelFiles, lookOf, requireProfile, securityOf } from './security-labels.ts';
import { etcOwner, joinNamespaces } from './shared-namespaces.ts';
import { showFiles } from './shown-files.ts';
import { giveStreams, giveToRoot, openUserNamespace } from './user-namespace.ts';

/**
 * Starts a container. Journaled: killed between any two steps, the next engine either finds the container's
 * process running and keeps it, or undoes what was made (`recover.ts`). When a step fails, everything made
 * before it is undone, the container stays with the error in its state (one of --rm is removed), and the error
 * is thrown. The count of restarts begins anew.
 * @throws not-modified when it runs or is about to be restarted; the runtime's words when it refuses.
 */
export async function startContainer(
  context: ContainerContext,
  record: ContainerRecord,
  checkpoint?: CheckpointPlace,
): Promise<void> {
  await context.locks.with('container', record.id, async () => {
    if (record.state.status === 'paused') throw conflict('cannot start a paused container, try unpause instead');
    if (isActive(record)) throw new TugError('not-modified', `container ${record.name} is already running`);
    if (!context.store.get(record.id) || record.state.status === 'removing' || record.state.status === 'dead')
      throw conflict(`container ${record.name} is marked for removal and cannot be started`);
    const restore = checkpoint && checkpointFolder(context, record, checkpoint);
    await startLocked(context, record, { byPolicy: false, ...(restore === undefined ? {} : { restore }) });
  });
}

/** The start itself, for a caller that holds the container's lock. One `byPolicy` keeps the count of restarts. */
export async function startLocked(
  context: ContainerContext,
  record: ContainerRecord,
  how: StartPayload,
): Promise<void> {
  await finishRelease(context, record);
  const intent = context.journal.begin('container.start', record.id, how);
  crashPoint('container.start.journaled');
  const calledOff = new AbortController();
  context.starting.set(record.id, calledOff);
  try {
    const monitored = await bringUp(context, record, how.restore, calledOff.signal);
    context.database.transaction(() => {
      recordRunning(context, record, monitored, how);
      context.journal.done(intent);
    });
    crashPoint('container.start.recorded');
  } catch (error) {
    await undo(context, record, intent, error, calledOff.signal.aborted);
    if (record.host.AutoRemove) await removeLocked(context, record);
    throw error;
  } finally {
    context.starting.delete(record.id);
  }
  publishMounts(context, record);
  refreshLinks(context, record);
  context.restarts.started(record.id);
  context.events.publish('container', 'start', record.id, eventAttributes(record));
  watchExit(context, record);
}

/** What the journal keeps of a start. */
export interface StartPayload {
  readonly byPolicy: boolean;
  /** The folder of the checkpoint that its processes go on from. */
  readonly restore?: string;
}

/** What a start does to the record of restarts. */
export const restartFields = ({ byPolicy }: StartPayload) => ({
  asked: '' as const,
  ...(byPolicy ? {} : { restartCount: 0, backoff: 0 }),
});

/** The monitor comes up while the bundle is made: it is a program to load, and there is another core. */
async function bringUp(
  context: ContainerContext,
  record: ContainerRecord,
  restore: string | undefined,
  signal: AbortSignal,
): Promise<Monitored> {
  const paths = pathsOf(context, record);
  const runtime = runtimeOf(context, record);
  mkdirSync(paths.bundle, { recursive: true, mode: 0o711 });
  mkdirSync(paths.data, { recursive: true, mode: 0o710 });
  await prepareLog(context, record);
  using joined = joinNamespaces(context, record);
  using user = await openUserNamespace(context, record);
  const ready = Promise.resolve().then(() => makeBundle(context, record, runtime, { ...joined, user }));
  const monitored = await context.monitor.create({
    id: record.id,
    name: record.name,
    bundle: paths.bundle,
    log: record.host.LogConfig?.Type === 'none' ? undefined : paths.monitorLog,
    runtime,
    terminal: record.config.Tty ?? false,
    stdin: record.config.OpenStdin ?? false,
    ...(user || !/^(root|0)?(:|$)/.test(record.config.User ?? '') ? { nullDevice: context.nullDevice } : {}),
    ...(restore === undefined ? {} : { restore }),
    ready,
    signal,
  });
  keepLog(context, record);
  crashPoint('container.start.created');
  if (user) giveStreams(user, monitored.pid, userOf(context, record));
  await connectEarlyAttachers(context, record);
  if (restore === undefined) await runtime.start(record.id);
  crashPoint('container.start.started');
  return monitored;
}

/** Makes all that the runtime is started on: mounts, network, files, config.json. What was made is taken back by `releaseResources`. */
export async function makeBundle(
  context: ContainerContext,
  record: ContainerRecord,
  runtime: Runtime,
  joined: Namespaces,
): Promise<void> {
  const paths = pathsOf(context, record);
  await requireProfile(context.apparmor, securityOf(context, record).apparmor, 'create');
  const { user } = joined;
  const look = lookOf(context, record, user);
  const networking = joined.network ? Promise.resolve(joined.network) : connectNetwork(context, record, user?.network);
  try {
    await context.snapshots.prepare(record.id, record.layers, { volatile: record.host.AutoRemove ?? false });
    await context.snapshots.mount(record.id, paths.rootfs, look);
    crashPoint('container.start.mounted');
  } catch (error) {
    await networking.catch(() => {}); // the first error is the one to tell
    throw error;
  }
  const sandbox = await networking;
  crashPoint('container.start.networked');
  const owner = etcOwner(context, record);
  const others = owner === record ? undefined : pathsOf(context, owner);
  const etcFiles = writeEtcFiles(record, paths, sandbox, others, linkedHosts(context, record));
  if (owner === record) {
    giveToRoot(user, etcFiles);
    labelFiles(look, etcFiles);
  }
  const shown = await showFiles(context, record, look);
  const own = [...etcFiles, ...(joined.shm ? [joined.shm] : []), ...shown];
  crashPoint('container.start.shown');
  own.push(...(await bringIn(context, record, record.id, look)));
  crashPoint('container.start.volumes');
  const spec = specOf(context, record, sandbox, own, joined);
  writeFileSync(path.join(paths.bundle, 'config.json'), JSON.stringify(runtime.prepare?.(spec) ?? spec));
  crashPoint('container.start.bundled');
}

function connectNetwork(
  context: ContainerContext,
  record: ContainerRecord,
  madeNamespace: number | undefined,
): Promise<Sandbox> {
  return context.networks.attach({
    containerId: record.id,
    name: record.name,
    hostname: containerHostname(record),
    mode: record.host.NetworkMode ?? 'default',
    endpoints: record.endpoints,
    ports: requestedPorts(record.host),
    links: linkTargets(context, record),
    egress: (record.host.Egress ?? []).flatMap(parseEgress),
    publishAll: record.host.PublishAllPorts ? Object.keys(record.config.ExposedPorts ?? {}) : [],
    resolver: resolverWish(record.host),
    ...(madeNamespace === undefined ? {} : { madeNamespace }),
  });
}

async function connectEarlyAttachers(context: ContainerContext, record: ContainerRecord): Promise<void> {
  const waiting = context.earlyAttachers.get(record.id);
  context.earlyAttachers.delete(record.id);
  if (!waiting) return;
  const { bundle } = pathsOf(context, record);
  await Promise.all([...waiting].map(async (resolve) => resolve(await context.monitor.attach(bundle))));
}

function recordRunning(
  context: ContainerContext,
  record: ContainerRecord,
  monitored: Monitored,
  how: StartPayload,
): void {
  context.store.setState(record, {
    ...restartFields(how),
    status: 'running',
    pid: monitored.pid,
    monitorPid: monitored.monitorPid,
    pidStart: processStartTime(monitored.pid),
    monitorStart: processStartTime(monitored.monitorPid),
    startedAt: new Date().toISOString(),
    exitCode: 0,
    oomKilled: false,
    error: '',
  });
}

/** Takes back a start that failed. The first error is the one that is told; a fault while undoing is logged. */
async function undo(
  context: ContainerContext,
  record: ContainerRecord,
  intent: Intent,
  cause: unknown,
  calledOff: boolean,
): Promise<void> {
  const { code, message } = asTugError(cause);
  const exitCode = code === 'command-not-found' ? 127 : code === 'command-not-executable' ? 126 : 128;
  for (const resolve of context.earlyAttachers.get(record.id) ?? []) resolve(undefined);
  context.earlyAttachers.delete(record.id);
  dropLog(context, record);
  const status = record.state.startedAt.startsWith('0001') ? 'created' : 'exited';
  try {
    await releaseResources(context, record);
    context.database.transaction(() => {
      context.store.setState(record, {
        status,
        pid: 0,
        monitorPid: 0,
        exitCode,
        error: message,
        asked: calledOff ? 'stop' : '',
      });
      context.journal.done(intent);
    });
  } catch (error) {
    context.log.error('undoing a failed start', { container: record.id, error });
  }
}
