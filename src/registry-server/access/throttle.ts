import type { Clock } from '../../base/clock.ts';

/** Holds off those who guess: so many failures for each key at once, and after that one for each part of the window. */
export interface Throttle {
  /**
   * Takes an attempt, counted as failed until `succeeded` is called, so that attempts made at the same time cannot
   * outrun the count. Undefined in place of it: held off, for `wait` milliseconds at least.
   */
  attempt(keys: readonly string[]): { readonly wait: number } | { readonly wait: 0; succeeded(): void };
}

export interface ThrottleOptions {
  readonly clock: Clock;
  /** Failures that are let pass at once. */
  readonly attempts: number;
  /** Milliseconds after which all of them are forgotten. */
  readonly window: number;
  /** Keys to remember; beyond it those are forgotten that failed longest ago. */
  readonly limit?: number;
}

/** One number for each key: the moment at which all its failures are forgotten (the generic cell rate algorithm). */
export function createThrottle({ clock, attempts, window, limit = 20_000 }: ThrottleOptions): Throttle {
  const share = window / attempts;
  const clear = new Map<string, number>();
  const clearOf = (key: string, now: number): number => Math.max(clear.get(key) ?? 0, now);
  const remember = (key: string, moment: number): void => {
    clear.delete(key); // put anew, so that the map stays in the order of the last failure
    clear.set(key, moment);
  };
  const forget = (now: number): void => {
    if (clear.size <= limit) return;
    for (const [key, moment] of clear) if (moment <= now) clear.delete(key);
    for (const key of clear.keys()) {
      if (clear.size <= limit) return;
      clear.delete(key);
    }
  };
  return {
    attempt(keys) {
      const now = clock.now();
      const wait = Math.max(...keys.map((key) => clearOf(key, now) - now - (window - share)));
      if (wait > 0) return { wait };
      for (const key of keys) remember(key, clearOf(key, now) + share);
      forget(now);
      return {
        wait: 0,
        succeeded() {
          for (const key of keys) clear.set(key, (clear.get(key) ?? 0) - share);
        },
      };
    },
  };
}
