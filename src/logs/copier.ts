import { type Bounded, keepBounded, type LogCare } from './bounded.ts';
import type { LogBatch, LoggedContainer, LogKeeping, ParseLog } from './contract.ts';
import { type LogCursor, openCursor, type Place } from './cursor.ts';
import type { Limits } from './limits.ts';

/** Where a copier brings records. It knows how far it has come, also after the engine was killed. */
export interface LogSink {
  /** Where to read on from. Called once, first. */
  resume(): Promise<Place>;
  /** Takes the records up to `after`. When it throws, the same are given again later. */
  write(batch: LogBatch, after: Place): Promise<void>;
  /**
   * All there is was written; with `over`, nothing more comes in this run of the container. Resolves with the place
   * from which `resume` would go on: nothing before it is needed any more.
   */
  pause(at: Place, over: boolean): Promise<Place>;
  /** Nothing came for a while: gives back what it holds for the next. Called after `pause`, with nothing under way. */
  rest(): void;
  /** Lets go. Idempotent. */
  close(): Promise<void>;
}

export interface CopyOptions {
  readonly care: LogCare;
  readonly parse: ParseLog;
  readonly container: LoggedContainer;
  /** What is kept of the monitor's log. */
  readonly limits: Limits;
  /** Called with the place before which nothing of the monitor's log is needed. */
  readonly copied?: (place: Place) => void;
}

export interface Copier extends LogKeeping {
  /** Resolves when everything written until now was copied, or cannot be at the moment. */
  sync(): Promise<void>;
  /** Runs it while nothing is copied. */
  between(action: () => Promise<void>): Promise<void>;
  readonly bounded: Bounded;
  /** Resolves when the log of this run is complete, or the engine lets go of it. */
  readonly done: Promise<void>;
}

/** Milliseconds until a sink that failed is tried again. */
const retryDelay = 1000;
/** Milliseconds without output after which buffers are given back: with each look at a log they would be made anew. */
const restDelay = 1000;

/**
 * Copies a running container's output from the monitor's log into a sink, as it comes. The container never waits for
 * it: what the sink cannot take yet stays in the monitor's log, within the limits of that.
 */
export function startCopier(options: CopyOptions, sink: LogSink): Copier {
  const { care, container } = options;
  let cursor: LogCursor | undefined;
  let pending: { batch: LogBatch; place: Place } | undefined;
  let over = false;
  let failing = false;
  let retry: NodeJS.Timeout | undefined;
  let resting: NodeJS.Timeout | undefined;
  let queue: Promise<void> = Promise.resolve();
  let waiting = 0;
  const done = Promise.withResolvers<void>();

  const copy = async (last: boolean): Promise<void> => {
    cursor ??= openCursor(container.monitorLog, options.parse, await sink.resume());
    while (!over) {
      const batch = pending?.batch ?? (await cursor.next());
      if (!batch) break;
      pending ??= { batch, place: cursor.place };
      await sink.write(batch, pending.place);
      pending = undefined;
    }
    if (over) return;
    const place = await sink.pause(cursor.place, last);
    options.copied?.(place);
    clearTimeout(resting);
    if (!last) resting = setTimeout(() => void enqueue(rest), restDelay).unref();
  };
  /** A silent container would keep megabytes for as long as it runs. One that failed still has what it could not write. */
  const rest = async (): Promise<void> => {
    if (!failing && !over) sink.rest();
  };
  const attempt = async (last: boolean): Promise<void> => {
    try {
      await copy(last);
      if (failing) care.log.info('a log is delivered again', { container: container.id });
      failing = false;
    } catch (error) {
      if (!failing)
        care.log.warn('a log cannot be delivered; it is kept and tried again', { container: container.id, error });
      failing = true;
      if (!over && !last) retry ??= setTimeout(again, retryDelay);
    }
  };
  const enqueue = (action: () => Promise<void>): Promise<void> => {
    waiting += 1;
    const result = queue.then(action).finally(() => {
      waiting -= 1;
    });
    queue = result.catch(() => {});
    return result;
  };
  const again = (): void => {
    retry = undefined;
    // one that waits will see everything that was written
    if (waiting < 2 && !over) void enqueue(() => attempt(false));
  };
  const bounded = keepBounded(care, container, options.limits, () => {
    if (!retry) again();
  });
  const letGo = async (): Promise<void> => {
    over = true;
    clearTimeout(retry);
    clearTimeout(resting);
    done.resolve();
    await enqueue(async () => {
      await sink.close();
      await cursor?.close();
    });
  };
  return {
    bounded,
    done: done.promise,
    sync: () => enqueue(() => attempt(false)),
    between: enqueue,
    async finish() {
      await enqueue(() => attempt(true));
      await bounded.finish();
      await letGo();
    },
    stop() {
      bounded.stop();
      void letGo();
    },
  };
}
