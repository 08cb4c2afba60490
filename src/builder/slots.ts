/** Runs at most `most` works at a time; others wait in the order they came, until `signal` aborts, and are told that they did. */
export function createSlots(
  most: number,
): <T>(work: (waited: boolean) => Promise<T>, signal: AbortSignal) => Promise<T> {
  let free = most;
  const waiting: (() => void)[] = [];
  return async (work, signal) => {
    const waits = free === 0;
    if (!waits) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await work(waits);
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
