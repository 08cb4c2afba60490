import type { ExecCreateRequest } from '../api/types/container.ts';
import { notFound } from '../base/errors.ts';
import { newId } from '../base/ids.ts';

/**
 * The exec instances of running containers. They live in memory, as Docker's do: after a restart of the
 * engine an exec that still runs goes on, and its id is not known any more.
 */
export interface ExecTable {
  add(containerId: string, request: ExecCreateRequest, purpose?: Exec['purpose']): Exec;
  /** @throws not-found "No such exec instance: ID". */
  get(id: string): Exec;
  of(containerId: string): Exec[];
  /** Idempotent. */
  drop(exec: Exec): void;
  /** The container is gone. Execs that ran in it are kept a little longer: their clients ask for the exit code last. */
  forget(containerId: string): void;
}

export interface Exec {
  readonly id: string;
  readonly containerId: string;
  readonly request: ExecCreateRequest;
  /** An `early-probe` is told of by no event. */
  readonly purpose: 'user' | 'probe' | 'early-probe';
  /** Resolved when it has ended, or could not be started. Never, when the engine ends first. */
  readonly ended: PromiseWithResolvers<void>;
  status: 'created' | 'running' | 'exited';
  pid: number;
  /** Start time of that process (proc_pid_stat(5), field 22). */
  pidStart: number;
  exitCode: number | undefined;
}

/** Ended execs that are kept for inspect, per container, and of all containers that are gone. */
const KEPT = 64;

export function createExecTable(): ExecTable {
  const byId = new Map<string, Exec>();
  const byContainer = new Map<string, Exec[]>();
  const orphans: Exec[] = [];
  return {
    add(containerId, request, purpose = 'user') {
      const ended = Promise.withResolvers<void>();
      const made = { status: 'created', pid: 0, pidStart: 0, exitCode: undefined } as const;
      const exec: Exec = { id: newId(), containerId, request, purpose, ended, ...made };
      const list = byContainer.get(containerId) ?? [];
      byContainer.set(containerId, list);
      list.push(exec);
      byId.set(exec.id, exec);
      const past = list.filter(({ status }) => status === 'exited');
      if (past.length > KEPT) {
        const oldest = past[0]!;
        byId.delete(oldest.id);
        list.splice(list.indexOf(oldest), 1);
      }
      return exec;
    },
    get(id) {
      const exec = byId.get(id);
      if (!exec) throw notFound(`No such exec instance: ${id.slice(0, 128)}`);
      return exec;
    },
    of: (containerId) => byContainer.get(containerId) ?? [],
    drop(exec) {
      byId.delete(exec.id);
      const list = byContainer.get(exec.containerId) ?? [];
      if (list.includes(exec)) list.splice(list.indexOf(exec), 1);
    },
    forget(containerId) {
      for (const exec of byContainer.get(containerId) ?? []) {
        if (exec.purpose === 'user' && exec.status !== 'created') orphans.push(exec);
        else byId.delete(exec.id);
      }
      byContainer.delete(containerId);
      for (const exec of orphans.splice(0, Math.max(0, orphans.length - KEPT))) byId.delete(exec.id);
    },
  };
}
