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

/**
 * Many records in few objects, since a log has millions: record `i` is `bytes[starts[i]..ends[i]]`, with `kinds[i]`
 * telling its stream and whether it is a piece. The text of all lies in one buffer, in the order of writing.
 */
export interface LogBatch {
  readonly bytes: Buffer;
  /** How many records; the arrays may be longer. */
  count: number;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** `logKinds.stderr` and `logKinds.partial`, added. */
  readonly kinds: Uint8Array;
  /** Where `timeAt` finds a record's time. */
  readonly marks: Uint32Array;
  /** The time of the record with this mark, in Unix nanoseconds. */
  timeAt(mark: number): bigint;
}

export const logKinds = { stderr: 1, partial: 2 } as const;

/** What was parsed of a chunk. */
export interface ParsedLog extends LogBatch {
  /** Bytes that were whole records; one that is cut off at the end is left for later. */
  readonly consumed: number;
}

/** Parses a file's format. Records end with a newline byte and have none inside, so it may begin after any. */
export type ParseLog = (chunk: Uint8Array) => ParsedLog;

/** Reads the log of one container. Reading never stalls the container that writes. */
export interface LogReader {
  /** The records in the order they were written, never an empty batch. Ends early when `signal` aborts. */
  read(options: LogReadOptions, signal: AbortSignal): AsyncIterable<LogBatch>;
}

/** A log driver: what `HostConfig.LogConfig.Type` names. */
export interface LogDriver {
  readonly name: string;
  /** Keys of `LogConfig.Config` it takes. @throws invalid from `check` for any other, or a bad value. */
  check(options: Readonly<Record<string, string>>): void;
  /** The reader of a container's log. @throws unsupported when there is nothing to read. */
  reader(container: LoggedContainer): LogReader;
  /** Where the log lies, as inspect's `LogPath` says; empty for none. */
  path(container: LoggedContainer): string;
  /** What the driver adds to each of a container's lines, for `--details`. */
  attributes(container: LoggedContainer): Readonly<Record<string, string>>;
  /**
   * Prepares for a start: called before the monitor opens its log. Finishes what an interrupted engine left.
   * @throws unsupported or unavailable when what the driver needs is not there; the container is not started then.
   */
  prepare(container: LoggedContainer): Promise<void>;
  /** Takes care of a running container's log: from just before its process runs, or since the engine is back. */
  keep(container: LoggedContainer): LogKeeping;
  /** Removes what was logged so far, running or not. @throws unsupported when nothing is kept. */
  clear(container: LoggedContainer): Promise<void>;
}

/** The care for the log of one run of a container. */
export interface LogKeeping {
  /** The container has ended, and all its output is in the monitor's log. Resolves when the log is complete. */
  finish(): Promise<void>;
  /** The engine shuts down, or the container is removed: lets go at once. Idempotent. */
  stop(): void;
}

export interface LoggedContainer {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  /** RFC 3339. */
  readonly created: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** `NAME=value`. */
  readonly env: readonly string[];
  /** `LogConfig.Config`, checked. */
  readonly options: Readonly<Record<string, string>>;
  /** The file the monitor writes. */
  readonly monitorLog: string;
  /** Resolves when the container is not running (at once if it is not). */
  readonly ended: () => Promise<void>;
  /**
   * Has the monitor put an empty file in the place of its log and go on in that; what it wrote is whole in the file
   * there was. False when no monitor listens. The new file appears a moment later.
   */
  readonly reopen: () => boolean;
}
