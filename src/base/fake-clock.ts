import type { Clock } from './clock.ts';

/** For tests: a clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Goes on, and runs what falls due on the way, in its order. Lets promises settle after each. */
  advance(milliseconds: number): Promise<void>;
  /** How many timers are set. */
  readonly pending: number;
}

export function createFakeClock(): FakeClock {
  let time = 0;
  const timers = new Set<{ due: number; work: () => void }>();
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => time,
    setTimer(milliseconds, work) {
      const timer = { due: time + milliseconds, work };
      timers.add(timer);
      return { [Symbol.dispose]: () => void timers.delete(timer) };
    },
    async advance(milliseconds) {
      const end = time + milliseconds;
      await settle();
      for (;;) {
        const next = [...timers].filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
        if (!next) break;
        timers.delete(next);
        time = next.due;
        next.work();
        await settle();
      }
      time = end;
    },
    get pending() {
      return timers.size;
    },
  };
}
