import type { Clock } from '../base/clock.ts';
import type { ContainerRecord } from './record.ts';
import { nextWait, restartsAfterEnd } from './restart-policy.ts';

/** Which containers wait to be started again, and since when this engine's containers run. Lives with the engine process. */
export interface Restarts {
  /** Takes note that a container starts to run. */
  started(id: string): void;
  /** What becomes of a container that just ended. */
  decide(record: ContainerRecord, code: number, finishedAt: Date): RestartPlan | undefined;
  /** Has a container started after `wait` milliseconds. Before `open` it does nothing: `boot.ts` sees to all then. */
  schedule(id: string, wait: number): void;
  /** Idempotent. */
  cancel(id: string): void;
  /** While a client restarts a container, its end is followed by that client's start. */
  byHand: Set<string>;
  open(): void;
  isOpen(): boolean;
  /** Takes note of a start under way, which `close` waits for. */
  underway<T>(start: Promise<T>): Promise<T>;
  /** Calls off what waits, and waits for what is under way, for ten seconds at most; the next engine goes on. */
  close(): Promise<void>;
}

export interface RestartPlan {
  /** Milliseconds from its end. */
  readonly wait: number;
  readonly restartCount: number;
}

/** Milliseconds. */
const CLOSING_LIMIT = 10_000;

/** `due` is called when a wait is over. */
export function createRestarts(clock: Clock, due: (id: string) => void): Restarts {
  const timers = new Map<string, Disposable>();
  const runningSince = new Map<string, number>();
  const byHand = new Set<string>();
  const starts = new Set<Promise<unknown>>();
  let opened = false;
  const cancel = (id: string): void => {
    timers.get(id)?.[Symbol.dispose]();
    timers.delete(id);
  };
  return {
    started: (id) => void runningSince.set(id, clock.now()),
    decide(record, code, finishedAt) {
      const since = runningSince.get(record.id);
      runningSince.delete(record.id);
      const { asked, restartCount, backoff, startedAt } = record.state;
      if (asked === 'restart') return byHand.has(record.id) ? undefined : { wait: 0, restartCount };
      const failed = code !== 0 || asked === 'unhealthy';
      const ended = { failed, restarts: restartCount, stopped: asked === 'stop' };
      if (!restartsAfterEnd(record.host.RestartPolicy, ended)) return undefined;
      const ran = since === undefined ? finishedAt.getTime() - Date.parse(startedAt) : clock.now() - since;
      return { wait: nextWait(backoff, ran), restartCount: restartCount + 1 };
    },
    schedule(id, wait) {
      cancel(id);
      if (!opened) return;
      const run = (): void => {
        timers.delete(id);
        due(id);
      };
      timers.set(id, clock.setTimer(wait, run));
    },
    cancel,
    byHand,
    open() {
      opened = true;
    },
    isOpen: () => opened,
    underway(start) {
      starts.add(start);
      return start.finally(() => starts.delete(start));
    },
    async close() {
      opened = false;
      for (const id of [...timers.keys()]) cancel(id);
      const patience = Promise.withResolvers<void>();
      using _timer = clock.setTimer(CLOSING_LIMIT, patience.resolve);
      await Promise.race([Promise.allSettled(starts), patience.promise]);
    },
  };
}
