import { internal } from '../base/errors.ts';
import type { LogKeeping } from '../logs/contract.ts';
import type { Runtime } from '../runtime/contract.ts';
import type { AttachedStdio } from '../runtime/monitor/contract.ts';
import type { RunningCopies } from './copy/copies.ts';
import type { CopyThreads } from './copy/threads.ts';
import type { StoppedViews } from './copy/view.ts';
import type { ContainerDeps } from './deps.ts';
import type { PreparedExecs } from './exec-prepare.ts';
import type { ExecTable } from './exec-table.ts';
import type { HealthMonitors } from './health.ts';
import { type ContainerPaths, containerPaths } from './paths.ts';
import type { ContainerRecord } from './record.ts';
import type { Restarts } from './restarts.ts';
import type { Samples } from './samples.ts';
import type { ContainerStore } from './store.ts';
import type { Waiters } from './wait.ts';

/** What the container operations share: the domain's dependencies and what it holds in memory. */
export interface ContainerContext extends ContainerDeps {
  readonly store: ContainerStore;
  readonly waiters: Waiters;
  readonly execs: ExecTable;
  readonly preparedExecs: PreparedExecs;
  readonly restarts: Restarts;
  readonly health: HealthMonitors;
  /** Clients that attached before the start, by container id: connected between create and start, so they miss nothing. */
  readonly earlyAttachers: Map<string, Set<(stdio: AttachedStdio | undefined) => void>>;
  /** Starts that are under way, by container id: what calls them off. */
  readonly starting: Map<string, AbortController>;
  readonly samples: Samples;
  /** Files of containers that are being copied. */
  readonly copies: RunningCopies;
  readonly stoppedViews: StoppedViews;
  readonly copying: CopyThreads;
  /** The care for the logs of running containers, by id. */
  readonly logKeepings: Map<string, LogKeeping>;
  readonly shutdown: AbortSignal;
}

export const pathsOf = (context: ContainerContext, record: Pick<ContainerRecord, 'id'>): ContainerPaths =>
  containerPaths(context, record.id);

export const cgroupPathOf = (context: Pick<ContainerContext, 'cgroups'>, record: ContainerRecord): string =>
  context.cgroups.pathFor(record.id, record.host.CgroupParent || undefined);

/** @throws internal when daemon.json lost the runtime a container was made for. */
export function runtimeOf(context: ContainerContext, record: ContainerRecord): Runtime {
  const runtime = context.runtimes.get(record.host.Runtime ?? context.defaultRuntime);
  if (!runtime)
    throw internal(`the runtime ${record.host.Runtime} of container ${record.name} is not configured any more`);
  return runtime;
}
