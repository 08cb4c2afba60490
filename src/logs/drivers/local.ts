import { invalid } from '../../base/errors.ts';
import { type Bounded, clearIdle, closeLog, keepBounded, type LogCare } from '../bounded.ts';
import type { LogDriver, ParseLog } from '../contract.ts';
import { checkDelivery, deliveryOptions } from '../delivery.ts';
import { limitOptions, readLimits } from '../limits.ts';
import { createFileReader } from '../reader.ts';

export interface LocalLogOptions {
  /** The monitor's parser of its own log file. */
  readonly parseLog: ParseLog;
  readonly care: LogCare;
}

/** The default driver: the monitor's own file is the log, read where it lies, kept within limits and never copied. */
export function createLocalLogs({ parseLog, care }: LocalLogOptions): LogDriver {
  const kept = new Map<string, Bounded>();
  const limitsOf = (options: Readonly<Record<string, string>>) => readLimits(options, true);
  return {
    name: 'local',
    check(options) {
      refuseOthers('local', options, [...limitOptions, ...deliveryOptions]);
      limitsOf(options);
      checkDelivery(options);
    },
    reader: (container) => createFileReader(container.monitorLog, container.ended, parseLog),
    path: (container) => container.monitorLog,
    attributes: () => ({}),
    prepare: (container) => closeLog(container.monitorLog, limitsOf(container.options)),
    keep(container) {
      const keeping = keepBounded(care, container, limitsOf(container.options));
      kept.set(container.id, keeping);
      const forget = (): void => {
        if (kept.get(container.id) === keeping) kept.delete(container.id);
      };
      return {
        finish: () => keeping.finish().finally(forget),
        stop() {
          keeping.stop();
          forget();
        },
      };
    },
    async clear(container) {
      const keeping = kept.get(container.id);
      if (keeping) await keeping.clear();
      else clearIdle(container.monitorLog);
    },
  };
}

/** @throws invalid in Docker's words for the first option that is not among `known`. */
export function refuseOthers(
  driver: string,
  options: Readonly<Record<string, string>>,
  known: readonly string[],
): void {
  const other = Object.keys(options).find((name) => !known.includes(name));
  if (other !== undefined) throw invalid(`unknown log opt '${other}' for ${driver} log driver`);
}
