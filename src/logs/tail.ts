import type { FileHandle } from 'node:fs/promises';
import type { LogRecord } from './contract.ts';
import type { ParseLog } from './reader.ts';

const firstStep = 64 * 1024;
const largestStep = 4 << 20;

/** Where the last lines of a log begin. */
export interface Tail {
  /** Where to read on from; records before the last lines may still follow. */
  readonly offset: number;
  /** Drops those. */
  readonly cut: { isDone(): boolean; take(record: LogRecord): LogRecord[] };
}

/**
 * Finds the last `count` lines of those that pass, without reading more of the file than they take. A line ends
 * with a record that is not partial; an unfinished one at the end of a stream counts as one.
 */
export async function findTail(
  handle: FileHandle,
  parse: ParseLog,
  passes: (record: LogRecord) => boolean,
  count: number,
): Promise<Tail> {
  const { size } = await handle.stat();
  let step = firstStep;
  let offset = size;
  let lines = 0; // until it is one more than asked for, so that the beginning of the first is there

  let open = { stdout: false, stderr: false };
  let upper = size;
  while (count > 0 && upper > 0) {
    const from = await afterNewline(handle, Math.max(upper - step, 0));
    const isWhole = from < upper;
    if (isWhole) {
      const found = countLines(parse(await readRange(handle, from, upper)).records, passes);
      lines += found.ended;
      if (upper === size) open = found.open;
      offset = from;
      upper = from;
    }
    if (lines + openCount(open) > count) break;
    step = isWhole ? Math.min(step * 2, largestStep) : step * 2;
  }
  return { offset, cut: openCut(Math.max(lines + openCount(open) - count, 0)) };
}

const openCount = (open: { stdout: boolean; stderr: boolean }): number => Number(open.stdout) + Number(open.stderr);

function countLines(records: readonly LogRecord[], passes: (record: LogRecord) => boolean) {
  const open = { stdout: false, stderr: false };
  let ended = 0;
  for (const record of records) {
    if (!passes(record)) continue;
    open[record.stream] = record.partial;
    if (!record.partial) ended += 1;
  }
  return { ended, open };
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
function openCut(lines: number): Tail['cut'] {
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
