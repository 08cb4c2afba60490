import type { Verdict } from './dependencies.ts';

/** Who waits, while the engine comes up, for containers that it depends on. */
export interface BootOrder {
  /**
   * Resolves once `judge` finds every dependency met, with undefined, or one failed, with its words. `judge` is asked
   * at once and then after each `recheck`.
   */
  ready(judge: () => Verdict): Promise<string | undefined>;
  /** Something happened that may have changed a verdict. */
  recheck(): void;
  readonly waiting: number;
}

export function createBootOrder(): BootOrder {
  const checks = new Set<() => void>();
  return {
    ready(judge) {
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      const check = (): void => {
        const verdict = judge();
        if (verdict === 'waiting') return;
        checks.delete(check);
        resolve(verdict === 'met' ? undefined : verdict.failed);
      };
      checks.add(check);
      check();
      return promise;
    },
    recheck() {
      for (const check of [...checks]) check();
    },
    get waiting() {
      return checks.size;
    },
  };
}

/** The verdict on all together: the first that failed, else waiting if any is. */
export function together(verdicts: readonly Verdict[]): Verdict {
  const failed = verdicts.find((verdict) => typeof verdict === 'object');
  return failed ?? (verdicts.includes('waiting') ? 'waiting' : 'met');
}

/** Lets `most` pieces of work run at a time, the others in the order they came. */
export function createSlots(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = [];
  let free = most;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else free += 1;
    }
  };
}
