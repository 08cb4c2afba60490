/** Counts what is being done, so that a shutdown can wait for it. */
export interface Activity {
  /** Says that something began. The function returned says that it ended; calling it again does nothing. */
  begin(): () => void;
  /** Resolves when nothing is going on, at once if that is now. */
  idle(): Promise<void>;
}

export function createActivity(): Activity {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    begin() {
      count += 1;
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        count -= 1;
        if (count > 0) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      };
    },
    idle: () => (count === 0 ? Promise.resolve() : new Promise((resolve) => void waiting.push(resolve))),
  };
}
