import { conflict } from '../base/errors.ts';
import type { AttachedStdio } from '../runtime/monitor/contract.ts';
import { attachContainer } from './attach.ts';
import { bootContainers } from './boot.ts';
import { createCheckpoint, listCheckpoints, removeCheckpoint } from './checkpoints.ts';
import { changesOf, commitContainer, exportContainer } from './commit.ts';
import { connectNetwork, disconnectNetwork, forceDisconnect } from './connect-network.ts';
import { type ContainerContext, cgroupPathOf, pathsOf } from './context.ts';
import type { ContainerService } from './contract.ts';
import { createRunningCopies } from './copy/copies.ts';
import { createCopyThreads } from './copy/threads.ts';
import { readArchive, statFile, writeArchive } from './copy.ts';
import { createContainer, eventAttributes } from './create.ts';
import type { ContainerDeps } from './deps.ts';
import { createExec, inspectExec, killExec, resizeExec, startExec } from './exec.ts';
import { createExecTable } from './exec-table.ts';
import { openHealth } from './health-service.ts';
import { inspectContainer } from './inspect.ts';
import { listContainers } from './list.ts';
import { clearLog, readLog } from './logging.ts';
import { pauseContainer, unpauseContainer } from './pause.ts';
import { pruneContainers } from './prune.ts';
import { type ContainerRecord, isActive, isRunning } from './record.ts';
import { recoverContainers } from './recover.ts';
import { removeContainer } from './remove.ts';
import { renameContainer } from './rename.ts';
import { restartByPolicy, restartContainer } from './restart.ts';
import { createRestarts } from './restarts.ts';
import { createSamples } from './samples.ts';
import { startContainer } from './start.ts';
import { statsOf } from './stats.ts';
import { killContainer, stopContainer } from './stop.ts';
import { openContainerStore } from './store.ts';
import { topOf } from './top.ts';
import { restartUnhealthy } from './unhealthy.ts';
import { removeLink } from './unlink.ts';
import { updateContainer } from './update.ts';
import { createWaiters, waitFor } from './wait.ts';
import { whyOf } from './why/why.ts';
import { createWorkContainers } from './work.ts';
import type { WorkContainers } from './work-contract.ts';

/** The container domain with what only the composition root calls. */
export interface Containers extends ContainerService {
  /** For work of the engine itself. */
  readonly work: WorkContainers;
  /** See `recover.ts`. Call once, before the engine listens. */
  recover(): Promise<void>;
  /** Starts what is to run with the engine, in the background. See `boot.ts`. Call once, after everything is restored. */
  boot(): void;
  /** Ids of the containers that run: what networks keep on a restart. */
  running(): Set<string>;
  /** For messages about images in use. */
  stateOf(id: string): 'running' | 'stopped' | undefined;
  /** Stops watching, once the starts under way are done; containers run on under their monitors. */
  shutdown(): Promise<void>;
}

export function createContainerService(deps: ContainerDeps): Containers {
  const stopping = new AbortController();
  const context: ContainerContext = {
    ...deps,
    store: openContainerStore(deps.database),
    waiters: createWaiters(),
    execs: createExecTable(),
    preparedExecs: new Map(),
    health: openHealth(
      () => context,
      deps,
      (record) => restartUnhealthy(context, record),
    ),
    restarts: createRestarts(deps.clock, (id) => void context.restarts.underway(restartByPolicy(context, id))),
    earlyAttachers: new Map<string, Set<(stdio: AttachedStdio | undefined) => void>>(),
    starting: new Map(),
    samples: createSamples({ ...deps, groupOf: (record) => cgroupPathOf(deps, record) }),
    copies: createRunningCopies(),
    stoppedViews: new Map(),
    copying: createCopyThreads(),
    logKeepings: new Map(),
    shutdown: stopping.signal,
  };
  const { store, execs } = context;
  const ownerOf = (execId: string): ContainerRecord => store.resolve(execs.get(execId).containerId);

  return {
    create: async (request, name, platform) => await createContainer(context, request, name, platform),
    list: (options) => listContainers(context, options),
    inspect: async (reference, options) => await inspectContainer(context, store.resolve(reference), options),
    start: async (reference, checkpoint) => await startContainer(context, store.resolve(reference), checkpoint),
    checkpoint: async (reference, options) => await createCheckpoint(context, store.resolve(reference), options),
    checkpoints: (reference, folder) => listCheckpoints(context, store.resolve(reference), folder),
    removeCheckpoint: async (reference, place) => await removeCheckpoint(context, store.resolve(reference), place),
    stop: async (reference, options) => await stopContainer(context, store.resolve(reference), options),
    restart: async (reference, options) => await restartContainer(context, store.resolve(reference), options),
    kill: async (reference, signal) => await killContainer(context, store.resolve(reference), signal),
    pause: async (reference) => await pauseContainer(context, store.resolve(reference)),
    unpause: async (reference) => await unpauseContainer(context, store.resolve(reference)),
    update: async (reference, request) => await updateContainer(context, store.resolve(reference), request),
    connectNetwork: async (reference, network, config) =>
      await connectNetwork(context, store.resolve(reference), network, config),
    disconnectNetwork: async (reference, network, { force }) =>
      await (force ? forceDisconnect : disconnectNetwork)(context, reference, network),
    rename: (reference, name) => renameContainer(context, store.resolve(reference), name),
    changes: async (reference) => await changesOf(context, store.resolve(reference)),
    exportFiles: async (reference, into, signal) =>
      await exportContainer(context, store.resolve(reference), into, signal),
    commit: async (reference, request, signal) =>
      await commitContainer(context, store.resolve(reference), request, signal),
    statFile: async (reference, path) => await statFile(context, store.resolve(reference), path),
    readArchive: async (reference, path) => await readArchive(context, store.resolve(reference), path),
    writeArchive: async (reference, path, archive, options, signal) =>
      await writeArchive(context, store.resolve(reference), path, archive, options, signal),
    why: async (reference, signal) => await whyOf(context, store.resolve(reference), signal),
    async remove(reference, { link, ...options }) {
      if (link) await removeLink(context, reference);
      else await removeContainer(context, store.resolve(reference), options);
    },
    wait: async (reference, condition, signal) =>
      waitFor(context.waiters, store, store.resolve(reference), condition, signal),
    resize: async (reference, rows, columns) => await resize(context, store.resolve(reference), rows, columns),
    attach: async (reference, options, signal) =>
      await attachContainer(context, store.resolve(reference), options, signal),
    stats: (reference, options, signal) => statsOf(context, store.resolve(reference), options, signal),
    top: async (reference, psOptions) => await topOf(context, store.resolve(reference), psOptions),
    logs: async (reference, options, signal) => readLog(context, store.resolve(reference), options, signal),
    clearLog: async (reference) => await clearLog(context, store.resolve(reference)),
    execCreate: async (reference, request) => createExec(context, store.resolve(reference), request),
    execStart: async (execId, options) => await startExec(context, ownerOf(execId), execs.get(execId), options),
    execInspect: (execId) => inspectExec(execs.get(execId)),
    execKill: (execId, signal) => killExec(execs.get(execId), signal),
    execResize: async (execId, rows, columns) =>
      await resizeExec(context, ownerOf(execId), execs.get(execId), rows, columns),
    prune: (options) => pruneContainers(context, options),
    imageUsers: () => store.all().map(({ name, imageId, layers }) => ({ name, imageId, layers })),
    counts: () => countByStatus(store.all()),
    work: createWorkContainers(context),
    recover: () => recoverContainers(context),
    boot: () => bootContainers(context),
    running: () =>
      new Set(
        store
          .all()
          .filter(isRunning)
          .map(({ id }) => id),
      ),
    stateOf(id) {
      const record = store.get(id);
      return record && (isActive(record) ? 'running' : 'stopped');
    },
    async shutdown() {
      context.health.close();
      await context.restarts.close();
      stopping.abort();
      context.samples[Symbol.dispose]();
      for (const keeping of context.logKeepings.values()) keeping.stop();
    },
  };
}

async function resize(
  context: ContainerContext,
  record: ContainerRecord,
  rows: number,
  columns: number,
): Promise<void> {
  if (!isRunning(record)) throw conflict(`container ${record.id} is not running`);
  await context.monitor.resize(pathsOf(context, record).bundle, rows, columns);
  const size = { height: String(rows), width: String(columns) };
  context.events.publish('container', 'resize', record.id, { ...eventAttributes(record), ...size });
}

function countByStatus(records: readonly ContainerRecord[]) {
  const running = records.filter(({ state }) => state.status === 'running').length;
  const paused = records.filter(({ state }) => state.status === 'paused').length;
  return { total: records.length, running, paused, stopped: records.length - running - paused };
}
