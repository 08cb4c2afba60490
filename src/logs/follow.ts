import { existsSync, watch } from 'node:fs';
import path from 'node:path';

/** Following a file that is being written. */
export interface Follow {
  /** `over` when nothing more will be written, or wanted. Take it before looking at the file. */
  state(): { over: boolean; changes: number };
  /** Resolves once the file may have changed since `changes`, or following is over or called off. */
  next(changes: number): Promise<void>;
  close(): void;
}

/**
 * Watches by inotify, for the file in its folder, since it need not exist yet. Over when `ended` resolves, or at
 * the moment `until` (Unix nanoseconds).
 */
export function openFollow(
  file: string,
  ended: () => Promise<void>,
  until: bigint | undefined,
  signal: AbortSignal,
): Follow {
  const name = path.basename(file);
  const folder = path.dirname(file);
  let changes = 0;
  let over = false;
  let wakeUp: (() => void) | undefined;
  const wake = (): void => {
    changes += 1;
    wakeUp?.();
    wakeUp = undefined;
  };
  const finish = (): void => {
    over = true;
    wake();
  };
  const watcher = existsSync(folder)
    ? watch(folder, (_event, changed) => {
        if (changed === name || changed === null) wake();
      })
    : undefined;
  watcher?.on('error', wake);
  signal.addEventListener('abort', wake);
  void ended().then(finish, finish);
  const timer = until === undefined ? undefined : setTimeout(finish, millisecondsTo(until));
  return {
    state: () => ({ over, changes }),
    next(seen) {
      if (changes > seen || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        wakeUp = resolve;
      });
    },
    close() {
      watcher?.close();
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
    },
  };
}

const longestTimer = 2 ** 31 - 1;

const millisecondsTo = (time: bigint): number =>
  Math.min(Math.max(Number(time / 1_000_000n) + 1 - Date.now(), 0), longestTimer);
