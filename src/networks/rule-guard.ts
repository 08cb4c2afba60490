import type { Logger } from '../base/log.ts';
import type { HostSide } from './host-side.ts';

/** Milliseconds from a change of rules to a look at them: who changes rules mostly does so several times on end. */
const quiet = 200;
/** A look (and a restoring) of a millisecond takes so many from the credit, and it fills by one in each: 5 % of one processor. */
const price = 20;
/** The most that a look takes, and the most that there is, in milliseconds: as long as there is any, nothing pauses. */
const [dearest, credit] = [10_000, 60_000];

/** Sees to it that rules which others change or flush are made again, without anything that runs between. */
export interface RuleGuard extends AsyncDisposable {
  /** Begins. Nothing when it has begun. */
  start(): void;
}

/**
 * A guard over the rules of `host`. Each change wakes it, the engine's own too: that costs a question to the kernel, which
 * has a number for the state of all rules. Where another program undoes what is restored again and again, they take turns,
 * after a while at the pace of the pauses. Disposing waits for what is under way.
 */
export function createRuleGuard(host: Pick<HostSide, 'restoreIfChanged' | 'watch'>, log: Logger): RuleGuard {
  let watching: Disposable | undefined;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;
  let restUntil = Number.NEGATIVE_INFINITY;
  let changedMeanwhile = false;
  let closed = false;

  const changed = (): void => {
    if (looking) changedMeanwhile = true;
    else if (!closed) timer ??= setTimeout(begin, Math.max(quiet, restUntil - performance.now())).unref();
  };
  const begin = (): void => {
    timer = undefined;
    changedMeanwhile = false;
    looking = look().finally(() => {
      looking = undefined;
      if (changedMeanwhile) changed();
    });
  };
  const look = async (): Promise<void> => {
    const begun = performance.now();
    try {
      await host.restoreIfChanged();
    } catch (error) {
      log.error('rules that were changed from outside cannot be made again', { error });
    }
    const ended = performance.now();
    restUntil = Math.max(restUntil, ended - credit) + Math.min(dearest, price * (ended - begun));
  };

  return {
    start() {
      try {
        if (!closed) watching ??= host.watch(changed);
      } catch (error) {
        log.warn('rules that others change are only made again with the next container', { error });
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      clearTimeout(timer);
      watching?.[Symbol.dispose]();
      await looking;
    },
  };
}
