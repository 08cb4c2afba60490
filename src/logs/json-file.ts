import { createReadStream, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { crashPoint } from '../base/crash-points.ts';
import { errnoOf } from '../base/errors.ts';
import type { LogBatch } from './contract.ts';
import type { LogSink } from './copier.ts';
import { beginning, type Place, readCompressed } from './cursor.ts';
import { createJsonEncoder, type LineWriter } from './json-encode.ts';
import type { Limits } from './limits.ts';
import { dropOldest, rotate, settleRotation, tidySegments } from './rotation.ts';
import { listSegments, sizeOf } from './segments.ts';

/**
 * How far the monitor's log was copied: from `source` on, the first `lines` lines that come of it are in the file up to
 * `target`, and those after `target` are the next ones. So lines written after the last note are counted, not guessed.
 */
interface Note {
  readonly source: Place;
  readonly lines: number;
  readonly target: Place;
}

/**
 * A sink that writes Docker's json-file. Killed at any moment, the next one goes on with the line after the last whole
 * one in the file: none is lost and none comes twice.
 */
export interface JsonFileSink extends LogSink {
  /** Closes the file under a number and begins the next. */
  turn(): Promise<void>;
}

export function createJsonFileSink(
  file: string,
  limits: Limits,
  attributes: Readonly<Record<string, string>>,
  complain: (error: unknown) => void,
): JsonFileSink {
  const noteFile = path.join(path.dirname(file), 'copied.json');
  let handle: FileHandle | undefined;
  let number = 0;
  let size = 0;
  /** Where the source was when nothing waited for the rest of its line, and the lines written since. */
  let source: Place = beginning;
  let lines = 0;
  /** Lines that come again and are in the file already. */
  let skip = 0;
  let tidying: Promise<void> | undefined;

  const note = (): void => {
    const text: Note = { source, lines, target: { number, offset: size } };
    writeFileSync(`${noteFile}.tmp`, JSON.stringify(text));
    renameSync(`${noteFile}.tmp`, noteFile);
  };
  const out = createLines(() => {
    if (skip === 0) return false;
    skip -= 1;
    return true;
  });
  const encoder = createJsonEncoder(attributes, out);
  const begin = (): boolean => {
    writeFileSync(`${file}.tmp`, '', { mode: 0o640 });
    renameSync(`${file}.tmp`, file);
    return true;
  };
  const openFile = async (): Promise<FileHandle> => {
    await handle?.close();
    handle = await open(file, 'a', 0o640);
    number = listSegments(file).current.number;
    size = (await handle.stat()).size;
    return handle;
  };
  const turn = async (): Promise<void> => {
    await rotate(file, begin);
    await openFile();
    note();
    crashPoint('log.copy.turned');
    dropOldest(file, limits.maxFile - 1);
    tidying = (tidying ?? Promise.resolve()).then(() => tidySegments(file, limits)).catch(complain);
  };
  const flush = async (): Promise<void> => {
    const target = handle ?? (await openFile());
    const data = out.take();
    if (data.length > 0) {
      try {
        await target.writeFile(data.bytes);
      } catch (error) {
        out.putBack(data);
        await target.truncate(size); // half a line would not be one
        throw error;
      }
      size += data.length;
      lines += data.lines;
      crashPoint('log.copy.written');
    }
    if (size >= limits.maxSize) await turn();
  };
  return {
    turn,
    async resume() {
      await settleRotation(file, begin);
      await cutHalfLine(file);
      await openFile();
      const found = readNote(noteFile);
      source = found.source;
      skip = found.lines + (await countLines(file, found.target));
      lines = skip;
      return source;
    },
    async write(batch, after) {
      await flush(); // what an earlier attempt could not write
      for (let next = out.progressOf(batch); next < batch.count; ) {
        next = encoder.encode(batch, next, () => out.used >= longestWrite || size + out.used >= limits.maxSize);
        out.setProgress(batch, next);
        await flush();
      }
      if (encoder.isAtLineEnd() && skip === 0) {
        source = after;
        lines = 0;
      }
    },
    async pause(at, over) {
      if (over) encoder.flush();
      await flush();
      if (encoder.isAtLineEnd() && skip === 0) {
        source = at;
        lines = 0;
      }
      note();
      return source;
    },
    rest: () => out.rest(),
    async close() {
      await tidying;
      await handle?.close();
      handle = undefined;
    },
  };
}

/** Bytes written together. */
const longestWrite = 1 << 20;

/** Bytes of room for lines, at least. */
const leastRoom = 64 * 1024;

const nothing = Buffer.alloc(0);

interface Written {
  readonly bytes: Buffer;
  readonly length: number;
  readonly lines: number;
}

/** Collects encoded lines. One for which `isKnown` is true is dropped. */
function createLines(isKnown: () => boolean) {
  let buffer = nothing;
  let whole = 0;
  let lines = 0;
  let progress: { batch: LogBatch; next: number } | undefined;
  return {
    used: 0,
    ensure(bytes: number): Buffer {
      if (this.used + bytes > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(leastRoom, buffer.length * 2, this.used + bytes));
        buffer.copy(larger, 0, 0, this.used);
        buffer = larger;
      }
      return buffer;
    },
    lineDone(): void {
      if (isKnown()) this.used = whole;
      else lines += 1;
      whole = this.used;
    },
    take(): Written {
      const taken = { bytes: buffer.subarray(0, whole), length: whole, lines };
      this.used = 0;
      whole = 0;
      lines = 0;
      return taken;
    },
    /** Before anything else was added: the bytes are still in place. */
    putBack(written: Written): void {
      this.used = written.length;
      whole = written.length;
      lines = written.lines;
    },
    /** Lets go of the room, and of the last batch, which a container that is silent would keep for as long as it runs. */
    rest(): void {
      buffer = nothing;
      progress = undefined;
    },
    /** Which record of a batch is the next, when the batch is given again. */
    progressOf: (batch: LogBatch): number => (progress?.batch === batch ? progress.next : 0),
    setProgress(batch: LogBatch, next: number): void {
      progress = { batch, next };
    },
  } satisfies LineWriter & Record<string, unknown>;
}

/** Lines from a place in the file to its end. */
async function countLines(file: string, from: Place): Promise<number> {
  const { closed, current } = listSegments(file);
  let lines = 0;
  for (const segment of [...closed, current]) {
    if (segment.number < from.number) continue;
    const offset = segment.number === from.number ? from.offset : 0;
    for await (const text of segment.compressed
      ? fromOffset(readCompressed(segment.path), offset)
      : readPlain(segment.path, offset))
      for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) lines += 1;
  }
  return lines;
}

const readPlain = (file: string, start: number): AsyncIterable<Buffer> => createReadStream(file, { start });

async function* fromOffset(chunks: AsyncIterable<Buffer>, offset: number): AsyncGenerator<Buffer, void> {
  let before = offset;
  for await (const chunk of chunks) {
    yield chunk.subarray(Math.min(before, chunk.length));
    before = Math.max(before - chunk.length, 0);
  }
}

/** More than the longest line takes. */
const endLength = 256 * 1024;

/** A write that was cut off leaves the beginning of a line. */
async function cutHalfLine(file: string): Promise<void> {
  if (sizeOf(file) === 0) return;
  const handle = await open(file, 'r+');
  try {
    const from = Math.max(sizeOf(file) - endLength, 0);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(endLength), 0, endLength, from);
    const whole = buffer.subarray(0, bytesRead).lastIndexOf(10) + 1;
    if (whole < bytesRead) await handle.truncate(from + whole);
  } finally {
    await handle.close();
  }
}

function readNote(file: string): Note {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Note;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    return { source: beginning, lines: 0, target: beginning };
  }
}
