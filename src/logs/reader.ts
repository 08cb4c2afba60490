import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import type { LogReader, LogReadOptions, LogRecord } from './contract.ts';
import { type Follow, openFollow } from './follow.ts';
import { findTail } from './tail.ts';

export type ParseLog = (chunk: Uint8Array) => { records: LogRecord[]; consumed: number };

/** Bytes read at a time. A record longer than this is read in a larger piece. */
const blockSize = 1 << 20;

/**
 * Reads a log file that only grows, and whose records end with newline bytes.
 * @param ended resolves when the writer is done: what is in the file then is all there will be.
 */
export function createFileReader(file: string, ended: () => Promise<void>, parse: ParseLog): LogReader {
  return {
    async *read(options, signal) {
      const filter = openFilter(options);
      const follow = options.follow ? openFollow(file, ended, filter.until, signal) : undefined;
      let handle: FileHandle | undefined;
      try {
        handle = await openWhenThere(file, follow, signal);
        if (!handle) return;
        const tail =
          options.tail === undefined ? undefined : await findTail(handle, parse, filter.passes, options.tail);
        let offset = tail?.offset ?? 0;
        for (;;) {
          // Taken before reading: what is written while this reads is looked for again.
          const state = follow?.state() ?? { over: true, changes: 0 };
          for await (const { records, end } of blocksFrom(handle, offset, parse)) {
            offset = end;
            for (const record of records) {
              if (signal.aborted || filter.isPast(record)) return;
              if (!filter.passes(record)) continue;
              if (tail?.cut.isDone() ?? true) yield record;
              else yield* tail?.cut.take(record) ?? [];
            }
          }
          if (state.over || !follow || signal.aborted) return;
          await follow.next(state.changes);
        }
      } finally {
        follow?.close();
        await handle?.close();
      }
    },
  };
}

function openFilter(options: LogReadOptions) {
  const since = options.since ?? 0n;
  const until = options.until ? options.until : undefined;
  const wants = { stdout: options.stdout, stderr: options.stderr };
  return {
    until,
    passes: (record: LogRecord): boolean =>
      wants[record.stream] && record.time >= since && (until === undefined || record.time <= until),
    /** Records come in the order of time, so that nothing after this one can pass. */
    isPast: (record: LogRecord): boolean => until !== undefined && record.time > until,
  };
}

/** Opens the file; while following, waits for it to appear. Undefined when it never did. */
async function openWhenThere(
  file: string,
  follow: Follow | undefined,
  signal: AbortSignal,
): Promise<FileHandle | undefined> {
  for (;;) {
    const state = follow?.state() ?? { over: true, changes: 0 };
    try {
      return await open(file, 'r');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    if (state.over || !follow || signal.aborted) return undefined;
    await follow.next(state.changes);
  }
}

/** The whole records from `offset` to the end of the file as it is now, block by block. */
async function* blocksFrom(handle: FileHandle, from: number, parse: ParseLog) {
  let offset = from;
  let size = blockSize;
  for (;;) {
    const buffer = Buffer.allocUnsafeSlow(size);
    const { bytesRead } = await handle.read(buffer, 0, size, offset);
    if (bytesRead === 0) return;
    const { records, consumed } = parse(buffer.subarray(0, bytesRead));
    if (consumed === 0) {
      if (bytesRead < size) return; // the last record is being written
      size *= 2;
      continue;
    }
    offset += consumed;
    yield { records, end: offset };
    if (bytesRead < size && consumed === bytesRead) return;
    size = blockSize;
  }
}
