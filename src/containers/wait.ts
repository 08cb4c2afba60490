import type { WaitResponse } from '../api/types/container.ts';
import { TugError } from '../base/errors.ts';
import { type ContainerRecord, isActive, LOST_SENTENCE } from './record.ts';
import type { ContainerStore } from './store.ts';

/** Who waits for a container to start, to end or to be gone. Lives with the engine process: a waiting client asks again after a restart. */
export interface Waiters {
  onExit(id: string, signal?: AbortSignal): Promise<WaitResponse>;
  onRemoved(id: string, signal?: AbortSignal): Promise<void>;
  exited(id: string, response: WaitResponse): void;
  removed(id: string): void;
}

export function createWaiters(): Waiters {
  const exits: Table<WaitResponse> = new Map();
  const removals: Table<void> = new Map();
  return {
    onExit: (id, signal) => register(exits, id, signal),
    onRemoved: (id, signal) => register(removals, id, signal),
    exited: (id, response) => settle(exits, id, response),
    removed: (id) => settle(removals, id, undefined),
  };
}

type Table<T> = Map<string, Set<(value: T) => void>>;

function register<T>(table: Table<T>, id: string, signal: AbortSignal | undefined): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let waiting = table.get(id);
  if (!waiting) {
    waiting = new Set();
    table.set(id, waiting);
  }
  waiting.add(resolve);
  const abort = () => {
    table.get(id)?.delete(resolve);
    reject(new TugError('cancelled', 'the client stopped waiting'));
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', abort));
}

function settle<T>(table: Table<T>, id: string, value: T): void {
  const waiting = table.get(id);
  table.delete(id);
  for (const resolve of waiting ?? []) resolve(value);
}

/**
 * `POST /containers/{id}/wait`. The inner promise has the exit code; it is registered by the time the outer
 * one resolves, so nothing that happens afterwards is missed.
 */
export function waitFor(
  waiters: Waiters,
  store: ContainerStore,
  record: ContainerRecord,
  condition: 'not-running' | 'next-exit' | 'removed',
  signal: AbortSignal,
): { result: Promise<WaitResponse> } {
  const code = (): WaitResponse => exitResponse(record);
  if (condition === 'removed') {
    if (!store.get(record.id)) return { result: Promise.resolve(code()) };
    return { result: waiters.onRemoved(record.id, signal).then(code) };
  }
  if (condition === 'not-running' && !isActive(record)) return { result: Promise.resolve(code()) };
  return { result: Promise.race([waiters.onExit(record.id, signal), waiters.onRemoved(record.id, signal).then(code)]) };
}

/** What a waiting client is told. The error of a start that failed is not for it: whoever started it was told. */
export function exitResponse(record: ContainerRecord): WaitResponse {
  const { exitCode, error } = record.state;
  return { StatusCode: exitCode, ...(error === LOST_SENTENCE ? { Error: { Message: error } } : {}) };
}
