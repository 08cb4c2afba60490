import { type Clock, waitOn } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';

/** Something that has to be as it should. */
export interface Check {
  readonly name: string;
  /** Milliseconds between two looks. */
  readonly interval: number;
  /** Looks in a row that have to fail. */
  readonly threshold: number;
  /** @throws what is wrong. */
  readonly look: () => Promise<void>;
}

/** What is wrong with the server, looked after in the background. */
export interface Health extends AsyncDisposable {
  /** What is wrong by the name of the check; nothing for a healthy server. */
  failures(): Readonly<Record<string, string>>;
}

/** Begins looking, at once and then at each interval. */
export function watchHealth(checks: readonly Check[], { clock, log }: { clock: Clock; log: Logger }): Health {
  const failures: Record<string, string> = {};
  const ending = new AbortController();
  const watching = checks.map(async ({ name, interval, threshold, look }) => {
    for (let failed = 0; !ending.signal.aborted; ) {
      try {
        await look();
        if (name in failures) log.info('a health check is well again', { check: name });
        delete failures[name];
        failed = 0;
      } catch (error) {
        failed += 1;
        if (failed >= threshold) {
          if (!(name in failures)) log.error('a health check fails', { check: name, error });
          failures[name] = messageOf(error);
        }
      }
      await waitOn(clock, interval, ending.signal);
    }
  });
  return {
    failures: () => failures,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await Promise.all(watching);
    },
  };
}
