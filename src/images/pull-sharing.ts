import type { ProgressMessage } from '../api/types/image.ts';
import { cancelled } from '../registry-client/transport.ts';
import type { Progress } from './contract.ts';

/** Work that callers with the same key do once, together. */
export interface Sharing<T> {
  /**
   * Starts the work of `key`, or joins it where it is under way, and gives its result. Everyone sees the progress,
   * one who comes later the latest line of each id first. The work is cancelled when its last caller goes away,
   * and that caller waits until it has tidied up.
   * @throws what the work throws; cancelled when `signal` fires.
   */
  join(key: string, progress: Progress, signal: AbortSignal, start: SharedWork<T>): Promise<T>;
}

export type SharedWork<T> = (progress: Progress, signal: AbortSignal) => Promise<T>;

interface Flight<T> {
  readonly controller: AbortController;
  readonly watchers: Set<{ readonly progress: Progress }>;
  readonly latest: Map<string, ProgressMessage>;
  readonly result: Promise<T>;
}

/**
 * @param options.retryOthers One who joined work that then failed does it again for himself: his registry or login
 * may be another.
 */
export function createSharing<T>(options: { retryOthers?: boolean } = {}): Sharing<T> {
  const flights = new Map<string, Flight<T>>();
  return {
    async join(key, progress, signal, start) {
      for (;;) {
        if (signal.aborted) throw cancelled(signal);
        const other = flights.get(key);
        if (other?.controller.signal.aborted) {
          await other.result.catch(() => {}); // its callers are gone; what it says concerns no one
          continue;
        }
        try {
          return await follow(other ?? launch(flights, key, start), progress, signal);
        } catch (error) {
          if (!other || signal.aborted || !options.retryOthers) throw error;
        }
      }
    },
  };
}

function launch<T>(flights: Map<string, Flight<T>>, key: string, start: SharedWork<T>): Flight<T> {
  const controller = new AbortController();
  const watchers: Flight<T>['watchers'] = new Set();
  const latest = new Map<string, ProgressMessage>();
  const tell: Progress = (message) => {
    latest.set(message.id ?? message.status ?? '', message);
    for (const watcher of watchers) watcher.progress(message);
  };
  // A turn later, so that the first watcher is there before the first line.
  const result = Promise.resolve()
    .then(() => start(tell, controller.signal))
    .finally(() => flights.delete(key));
  const flight = { controller, watchers, latest, result };
  flights.set(key, flight);
  return flight;
}

async function follow<T>(flight: Flight<T>, progress: Progress, signal: AbortSignal): Promise<T> {
  const watcher = { progress };
  for (const message of flight.latest.values()) progress(message);
  flight.watchers.add(watcher);
  const gone = Promise.withResolvers<never>();
  const leave = (): void => gone.reject(cancelled(signal));
  signal.addEventListener('abort', leave, { once: true });
  try {
    return await Promise.race([flight.result, gone.promise]);
  } finally {
    signal.removeEventListener('abort', leave);
    flight.watchers.delete(watcher);
    if (flight.watchers.size === 0) {
      flight.controller.abort(signal.reason);
      await flight.result.catch(() => {}); // told to the callers already, or cancelled
    }
  }
}
