/**
 * One record of a container's output, the unit between monitors, log drivers and readers. `data` holds
 * the bytes as the container wrote them, with the newline that ended the line; `partial` is true for a piece
 * of a line whose rest follows in a later record of the same stream.
 */
export interface LogRecord {
  /** Unix time in nanoseconds. */
  readonly time: bigint;
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
  readonly partial: boolean;
}

export interface LogReadOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Unix nanoseconds; 0n and undefined mean no bound. Records with `since <= time <= until` are returned. */
  readonly since?: bigint;
  readonly until?: bigint;
  /** How many lines from the end, of those that pass the other filters; undefined for all. */
  readonly tail?: number;
  /** Go on with new records until the container has ended and all its output was given. */
  readonly follow: boolean;
}

/** Reads the log of one container. Reading never stalls the container that writes. */
export interface LogReader {
  /** The records in the order they were written. Ends early when `signal` aborts. */
  read(options: LogReadOptions, signal: AbortSignal): AsyncIterable<LogRecord>;
}

/** A log driver: what `HostConfig.LogConfig.Type` names. */
export interface LogDriver {
  readonly name: string;
  /** Keys of `LogConfig.Config` it takes. @throws invalid from `check` for any other, or a bad value. */
  check(options: Readonly<Record<string, string>>): void;
  /** The reader of a container's log. `running` resolves when the container has ended, for `follow`. */
  reader(container: LoggedContainer): LogReader;
  /** Where the log lies, as inspect's `LogPath` says; empty for none. */
  path(container: LoggedContainer): string;
}

export interface LoggedContainer {
  readonly id: string;
  /** The file the monitor writes. */
  readonly monitorLog: string;
  /** Resolves when the container is not running (at once if it is not). */
  readonly ended: () => Promise<void>;
}
