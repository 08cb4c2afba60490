import { batchOf, keepRecords, recordAt, timeOf } from './batch.ts';
import {
  type LogBatch,
  type LogReader,
  type LogReadOptions,
  type LogRecord,
  logKinds,
  type ParseLog,
} from './contract.ts';
import { beginning, openCursor } from './cursor.ts';
import { openFollow } from './follow.ts';
import { type Cut, findTail } from './tail.ts';

/**
 * Reads a log from its oldest segment to the file that is written.
 * @param ended resolves when the writer is done: what is in the file then is all there will be.
 */
export function createFileReader(file: string, ended: () => Promise<void>, parse: ParseLog): LogReader {
  return {
    async *read(options, signal) {
      const filter = openFilter(options);
      const follow = options.follow ? openFollow(file, ended, filter.until, signal) : undefined;
      const tail = options.tail === undefined ? undefined : await findTail(file, parse, filter.passes, options.tail);
      const cursor = openCursor(file, parse, tail?.place ?? beginning);
      try {
        for (;;) {
          // Taken before reading: what is written while this reads is looked for again.
          const state = follow?.state() ?? { over: true, changes: 0 };
          for (let batch = await cursor.next(); batch; batch = await cursor.next()) {
            if (signal.aborted) return;
            const past = filter.apply(batch);
            const wanted = tail && !tail.cut.isDone() ? afterCut(batch, tail.cut) : batch;
            if (wanted.count > 0) yield wanted;
            if (past) return;
          }
          if (state.over || !follow || signal.aborted) return;
          await follow.next(state.changes);
        }
      } finally {
        follow?.close();
        await cursor.close();
      }
    },
  };
}

function openFilter(options: LogReadOptions) {
  const since = options.since ?? 0n;
  const until = options.until ? options.until : undefined;
  const everything = options.stdout && options.stderr && since === 0n && until === undefined;
  const passes = (batch: LogBatch, index: number): boolean => {
    const wanted = (batch.kinds[index] ?? 0) & logKinds.stderr ? options.stderr : options.stdout;
    if (!wanted || (since === 0n && until === undefined)) return wanted;
    const time = timeOf(batch, index);
    return time >= since && (until === undefined || time <= until);
  };
  return {
    until,
    passes,
    /** Drops what does not pass. True when nothing after the batch can pass: records come in the order of time. */
    apply(batch: LogBatch): boolean {
      if (everything || batch.count === 0) return false;
      const last = batch.count - 1;
      const past = until !== undefined && timeOf(batch, last) > until;
      keepRecords(batch, (index) => passes(batch, index));
      return past;
    },
  };
}

/** What of a batch belongs to the last lines. */
function afterCut(batch: LogBatch, cut: Cut): LogBatch {
  const released: LogRecord[] = [];
  let first = 0;
  for (; first < batch.count && !cut.isDone(); first += 1) released.push(...cut.take(recordAt(batch, first)));
  if (released.length === 0) {
    keepRecords(batch, (index) => index >= first);
    return batch;
  }
  const rest = Array.from({ length: batch.count - first }, (_, index) => recordAt(batch, first + index));
  return batchOf([...released, ...rest]);
}
