import { invalid } from '../../base/errors.ts';
import type { LogDriver, LogRecord } from '../contract.ts';
import { createFileReader } from '../reader.ts';

export interface LocalLogOptions {
  /** The monitor's parser of its own log file. */
  readonly parseLog: (chunk: Uint8Array) => { records: LogRecord[]; consumed: number };
}

/** The default driver: the monitor's own file is the log, read where it lies and never copied. */
export function createLocalLogs({ parseLog }: LocalLogOptions): LogDriver {
  return {
    name: 'local',
    check: (options) => refuseOptions('local', options),
    reader: (container) => createFileReader(container.monitorLog, container.ended, parseLog),
    path: (container) => container.monitorLog,
  };
}

/** For drivers that take no option. @throws invalid in Docker's words for the first that was given. */
export function refuseOptions(driver: string, options: Readonly<Record<string, string>>): void {
  const [name] = Object.keys(options);
  if (name !== undefined) throw invalid(`unknown log opt '${name}' for ${driver} log driver: it takes no options yet`);
}
