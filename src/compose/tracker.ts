import type { ContainerInspect } from '../api/types/container.ts';
import { TugError } from '../base/errors.ts';
import { inspect } from '../client/calls/containers.ts';
import { events } from '../client/calls/system.ts';
import type { Engine } from '../client/engine.ts';
import { labelNames } from './labels.ts';

/** Waits for states of a project's containers by the engine's events: nothing is polled. */
export interface Tracker {
  /**
   * Inspects a container now and after each of its events until `judge` gives something.
   * @throws cancelled when `signal` is aborted, unavailable when the events end, what `judge` throws.
   */
  until<T>(id: string, judge: (container: ContainerInspect) => T | undefined, signal?: AbortSignal): Promise<T>;
  close(): void;
}

/** Listens to the engine from the first `until` on. */
export function createTracker(engine: Engine, project: string): Tracker {
  const listeners = new Set<(id: string | undefined) => void>();
  let began: Promise<void> | undefined;
  let ended: unknown;
  let closed = false;

  const listen = async (started: () => void): Promise<void> => {
    const filters = { type: ['container'], label: [`${labelNames.project}=${project}`] };
    // From a moment ago: what happens between the request and the engine's listening is told too.
    const since = String(Math.floor(Date.now() / 1000) - 1);
    const stream = events(engine, { since, until: undefined, filters });
    const first = stream.next();
    started();
    for (let next = await first; !next.done && !closed; next = await stream.next())
      for (const listener of listeners) listener(next.value.event.Actor.ID);
    await stream.return();
  };

  const begin = (): Promise<void> =>
    new Promise((resolve) => {
      const over = (error: unknown): void => {
        ended = error ?? new TugError('unavailable', 'the engine ended the events that were waited for');
        for (const listener of listeners) listener(undefined);
      };
      listen(resolve).then(() => over(undefined), over);
    });

  return {
    async until(id, judge, signal) {
      began ??= begin();
      await began;
      let wake: () => void = () => {};
      let changed = false;
      const listener = (which: string | undefined): void => {
        if (which !== undefined && which !== id) return;
        changed = true;
        wake();
      };
      const onAbort = (): void => wake();
      listeners.add(listener);
      signal?.addEventListener('abort', onAbort);
      try {
        for (;;) {
          changed = false;
          const result = judge(await inspect(engine, id));
          if (result !== undefined) return result;
          if (signal?.aborted) throw new TugError('cancelled', 'canceled');
          if (ended !== undefined) throw ended;
          if (!changed)
            await new Promise<void>((resolve) => {
              wake = resolve;
              if (changed || signal?.aborted || ended !== undefined) resolve();
            });
          if (signal?.aborted) throw new TugError('cancelled', 'canceled');
        }
      } finally {
        listeners.delete(listener);
        signal?.removeEventListener('abort', onAbort);
      }
    },
    close() {
      closed = true;
      listeners.clear();
    },
  };
}
