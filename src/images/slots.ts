import { cancelled } from '../registry-client/transport.ts';

/** Places for work of which only so much may run at once. */
export interface Slots {
  free(): number;
  /** Waits for a place, then works. @throws what the work throws; cancelled when the signal fires while it waits. */
  with<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

/** Lets `count` pieces of work run at once, the others in the order they came. */
export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();
  const take = async (signal: AbortSignal): Promise<void> => {
    if (signal.aborted) throw cancelled(signal);
    if (free > 0) {
      free -= 1;
      return;
    }
    const turn = Promise.withResolvers<void>();
    const leave = (): void => {
      if (waiting.delete(turn.resolve)) turn.reject(cancelled(signal));
    };
    waiting.add(turn.resolve);
    signal.addEventListener('abort', leave, { once: true });
    await turn.promise.finally(() => signal.removeEventListener('abort', leave));
  };
  const give = (): void => {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else {
      waiting.delete(next);
      next();
    }
  };
  return {
    free: () => free,
    async with<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
      await take(signal);
      try {
        return await work();
      } finally {
        give();
      }
    },
  };
}
