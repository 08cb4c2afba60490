import { type FileHandle, open } from 'node:fs/promises';
import { errnoOf } from '../base/errors.ts';
import { type LogBatch, type LogRecord, logKinds, type ParseLog } from './contract.ts';
import { type Place, readCompressed } from './cursor.ts';
import { listSegments, type Segment } from './segments.ts';

const firstStep = 64 * 1024;
const largestStep = 4 << 20;

/** Where the last lines of a log begin. */
export interface Tail {
  /** Where to read on from; records before the last lines may still follow. */
  readonly place: Place;
  /** Drops those. */
  readonly cut: Cut;
}

export interface Cut {
  isDone(): boolean;
  take(record: LogRecord): LogRecord[];
}

type Passes = (batch: LogBatch, index: number) => boolean;

/** Lines counted so far, from the end on. */
interface Count {
  lines: number;
  /** Streams whose last line has no end; undefined until a record was seen. */
  open: { stdout: boolean; stderr: boolean } | undefined;
}

/**
 * Finds the last `count` lines of those that pass, without reading more of the log than they take. A line ends
 * with a record that is not partial; an unfinished one at the end of a stream counts as one.
 */
export async function findTail(file: string, parse: ParseLog, passes: Passes, count: number): Promise<Tail> {
  const { closed, current } = listSegments(file);
  const seen: Count = { lines: 0, open: undefined };
  let place: Place = { number: current.number, offset: 0 };
  for (const segment of [current, ...closed.toReversed()]) {
    const offset = await countBackwards(segment, parse, passes, count, seen);
    if (offset !== undefined) place = { number: segment.number, offset };
    if (count === 0 || total(seen) > count) break;
  }
  return { place, cut: openCut(Math.max(total(seen) - count, 0)) };
}

const total = ({ lines, open }: Count): number => lines + Number(open?.stdout ?? false) + Number(open?.stderr ?? false);

/** Counts until it is one more than asked for, so that the beginning of the first is there. Undefined when it is not there. */
async function countBackwards(segment: Segment, parse: ParseLog, passes: Passes, count: number, seen: Count) {
  if (segment.compressed) {
    if (count > 0) await countCompressed(segment, parse, passes, seen);
    return 0;
  }
  let handle: FileHandle;
  try {
    handle = await open(segment.path, 'r');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return await countPlain(handle, parse, passes, count, seen);
  } finally {
    await handle.close();
  }
}

async function countPlain(handle: FileHandle, parse: ParseLog, passes: Passes, count: number, seen: Count) {
  const { size } = await handle.stat();
  let step = firstStep;
  let upper = size;
  while (count > 0 && upper > 0) {
    const from = await afterNewline(handle, Math.max(upper - step, 0));
    const isWhole = from < upper;
    if (isWhole) {
      addLines(parse(await readRange(handle, from, upper)), passes, seen);
      upper = from;
    }
    if (total(seen) > count) break;
    step = isWhole ? Math.min(step * 2, largestStep) : step * 2;
  }
  return upper;
}

async function countCompressed(segment: Segment, parse: ParseLog, passes: Passes, seen: Count): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  const open = { stdout: false, stderr: false };
  let lines = 0;
  for await (const chunk of readCompressed(segment.path)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const parsed = parse(bytes);
    lines += countLines(parsed, passes, open);
    rest = bytes.subarray(parsed.consumed);
  }
  seen.lines += lines;
  seen.open ??= open;
}

function addLines(batch: LogBatch, passes: Passes, seen: Count): void {
  const open = { stdout: false, stderr: false };
  seen.lines += countLines(batch, passes, open);
  if (batch.count > 0) seen.open ??= open;
}

/** How many lines end in the batch; notes which streams are within a line after it. */
function countLines(batch: LogBatch, passes: Passes, open: { stdout: boolean; stderr: boolean }): number {
  let ended = 0;
  for (let index = 0; index < batch.count; index += 1) {
    if (!passes(batch, index)) continue;
    const kind = batch.kinds[index] ?? 0;
    const partial = (kind & logKinds.partial) !== 0;
    open[kind & logKinds.stderr ? 'stderr' : 'stdout'] = partial;
    if (!partial) ended += 1;
  }
  return ended;
}

/** The first byte at or after `offset` that begins a record. */
async function afterNewline(handle: FileHandle, offset: number): Promise<number> {
  if (offset === 0) return 0;
  const buffer = Buffer.allocUnsafe(firstStep);
  for (let at = offset - 1; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return at;
    const newline = buffer.subarray(0, bytesRead).indexOf(10);
    if (newline !== -1) return at + newline + 1;
    at += bytesRead;
  }
}

async function readRange(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(to - from);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, from + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** Drops the first `lines` lines, but not the pieces before the cut of a line that ends after it. */
function openCut(lines: number): Cut {
  let left = lines;
  const pieces: Record<'stdout' | 'stderr', LogRecord[]> = { stdout: [], stderr: [] };
  return {
    isDone: () => left <= 0,
    take(record) {
      if (record.partial) {
        pieces[record.stream].push(record);
        return [];
      }
      pieces[record.stream] = [];
      left -= 1;
      return left > 0 ? [] : [...pieces.stdout, ...pieces.stderr];
    },
  };
}
