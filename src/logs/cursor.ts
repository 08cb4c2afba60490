import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { countBuffer } from '../base/buffer-garbage.ts';
import { errnoOf } from '../base/errors.ts';
import type { ParsedLog, ParseLog } from './contract.ts';
import { listSegments, type Segment } from './segments.ts';

/** A place in a log: bytes into the text of a segment. */
export interface Place {
  readonly number: number;
  readonly offset: number;
}

export const beginning: Place = { number: 0, offset: 0 };

/** Bytes read at a time, at least and at most. A record longer than this is read in a larger piece. */
const leastBlock = 64 * 1024;
const mostBlock = 1 << 20;

/** Reads a log that is being written, rotated, compressed and cleared meanwhile, from a place on. */
export interface LogCursor {
  /** Where it stands: after the last record given. */
  readonly place: Place;
  /** The next whole records, of a single segment; undefined at the end of what is there now. */
  next(): Promise<ParsedLog | undefined>;
  close(): Promise<void>;
}

/** Gives the bytes of one segment in order; empty at its (present) end. */
interface Source {
  readonly compressed: boolean;
  read(offset: number, size: number): Promise<Buffer>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export function openCursor(file: string, parse: ParseLog, from: Place): LogCursor {
  let place = from;
  let source: Source | undefined;
  let size = leastBlock;

  const leave = async (next: Place): Promise<void> => {
    const left = source;
    source = undefined;
    place = next;
    await left?.close();
  };
  /** Whole records at the present place, or undefined where there is none. */
  const take = async (from: Source): Promise<ParsedLog | undefined> => {
    for (;;) {
      const block = await from.read(place.offset, size);
      if (block.length === 0) return undefined;
      const parsed = parse(block);
      if (parsed.consumed > 0) {
        place = { number: place.number, offset: place.offset + parsed.consumed };
        size = block.length < size ? leastBlock : Math.max(mostBlock, size / 2);
        return parsed;
      }
      if (block.length < size) return undefined; // the record is being written
      size *= 2;
    }
  };
  return {
    get place() {
      return place;
    },
    async next() {
      for (;;) {
        if (!source) {
          const opened = await openSegment(file, place);
          if (!opened) return undefined;
          place = opened.place;
          source = opened.source;
        }
        // Looked at before reading: a closed segment gets no more.
        let closed = source.compressed;
        let parsed = await take(source);
        if (!parsed && !closed) {
          closed = listSegments(file).current.number > place.number;
          if (closed) parsed = await take(source);
          else if ((await source.size()) < place.offset) {
            await leave({ number: place.number, offset: 0 }); // somebody cut the file
            continue;
          }
        }
        if (parsed && parsed.count > 0) return parsed;
        if (parsed) continue;
        if (!closed) return undefined;
        await leave({ number: place.number + 1, offset: 0 });
      }
    },
    close: () => leave(place),
  };
}

/** Opens the segment of a place, or the next there is. Undefined when nothing was written yet. */
async function openSegment(file: string, place: Place): Promise<{ place: Place; source: Source } | undefined> {
  for (;;) {
    const { closed, current } = listSegments(file);
    const segment = closed.find(({ number }) => number >= place.number) ?? current;
    const offset = segment.number === place.number ? place.offset : 0;
    try {
      const source = segment.compressed ? openCompressed(segment) : await openPlain(segment);
      const now = listSegments(file);
      // renamed in between, the file is another than the number says
      if (segment !== current || now.current.number === current.number)
        return { place: { number: segment.number, offset }, source };
      await source.close();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      if (segment === current && listSegments(file).current.number === current.number) return undefined;
    }
  }
}

async function openPlain(segment: Segment): Promise<Source> {
  const handle: FileHandle = await open(segment.path, 'r');
  return {
    compressed: false,
    async read(offset, size) {
      const buffer = Buffer.allocUnsafeSlow(size);
      countBuffer(size);
      const { bytesRead } = await handle.read(buffer, 0, size, offset);
      return buffer.subarray(0, bytesRead);
    },
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  };
}

/** Reads a gzip file forward only: what was read and not consumed is kept for the next read. */
function openCompressed(segment: Segment): Source {
  const chunks = readCompressed(segment.path)[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  let start = 0;
  let over = false;
  return {
    compressed: true,
    async read(offset, size) {
      while (!over && start + held.length < offset + size) {
        const { value, done } = await chunks.next();
        if (start + held.length <= offset) {
          start += held.length; // before the place
          held = Buffer.alloc(0);
        }
        if (done) over = true;
        else held = held.length === 0 ? value : Buffer.concat([held, value]);
      }
      const skipped = Math.min(Math.max(offset - start, 0), held.length);
      held = held.subarray(skipped);
      start += skipped;
      return held.subarray(0, size);
    },
    size: async () => Number.POSITIVE_INFINITY,
    close: async () => void (await chunks.return?.(undefined)),
  };
}

/** The text of a gzip file, in pieces of a block. */
export async function* readCompressed(file: string): AsyncGenerator<Buffer, void> {
  const input = createReadStream(file);
  const output = createGunzip({ chunkSize: mostBlock });
  input.on('error', (error) => output.destroy(error));
  try {
    yield* input.pipe(output) as AsyncIterable<Buffer>;
  } finally {
    input.destroy();
    output.destroy();
  }
}
