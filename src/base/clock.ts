/** Time that only goes forward, and timers on it. Injected, so that tests need not wait (`createFakeClock`). */
export interface Clock {
  /** Milliseconds since some moment; never set back, whatever happens to the time of day. */
  now(): number;
  /** Runs `work` once, after `milliseconds`. Does not keep the process alive. Disposing of it calls it off. */
  setTimer(milliseconds: number, work: () => void): Disposable;
}

/** The longest wait that setTimeout(3) of Node takes; it fires at once for more. */
const longest = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimer(milliseconds, work) {
    const due = performance.now() + milliseconds;
    let handle: NodeJS.Timeout;
    const wait = (): void => {
      const left = due - performance.now();
      handle = setTimeout(left > longest ? wait : work, Math.min(Math.max(left, 0), longest)).unref();
    };
    wait();
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
};

/** Waits, unless the signal fires first: both are no error. */
export function waitOn(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      timer[Symbol.dispose]();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(milliseconds, end);
    signal.addEventListener('abort', end);
  });
}
