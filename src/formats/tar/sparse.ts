import { badArchive, paddingOf, type SparseSegment } from './entry.ts';
import { parseNumber } from './numbers.ts';
import { type PaxRecord, parsePaxNumber } from './pax.ts';

/** More segments than any file system makes; keeps hostile maps small. */
export const mostSegments = 1 << 20;

/**
 * Checks that a map goes forward, stays inside the file and has room for the data that is stored.
 * Segments of no length, which GNU tar writes to mark the file's end, are dropped.
 * @throws invalid `bad-archive`.
 */
export function checkSparseMap(
  map: readonly SparseSegment[],
  size: number,
  storedSize: number,
  offset: number,
): SparseSegment[] {
  let end = 0;
  let total = 0;
  for (const segment of map) {
    const inside = segment.offset >= end && segment.length >= 0 && segment.offset + segment.length <= size;
    if (!inside) throw badArchive('sparse map that leaves the file or goes back', offset);
    end = segment.offset + segment.length;
    total += segment.length;
  }
  if (total !== storedSize) throw badArchive('sparse map that does not fit the stored data', offset);
  return map.filter((segment) => segment.length > 0);
}

/**
 * The segments in an old GNU sparse header (4 of them at byte 386) or one of its extension blocks (21 at byte 0),
 * and whether another extension block follows.
 */
export function parseOldGnuSegments(block: Buffer, kind: 'header' | 'extension', offset: number) {
  const [start, count, more] = kind === 'header' ? [386, 4, 482] : [0, 21, 504];
  const segments: SparseSegment[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    segments.push(segment(parseNumber(block, at, 12), parseNumber(block, at + 12, 12), offset));
  }
  return { segments, continued: block[more] === 1 };
}

/** The map in records of the PAX sparse formats 0.0 (repeated keys) and 0.1 (one list); undefined for other files. */
export function parsePaxSparseMap(records: readonly PaxRecord[], offset: number): SparseSegment[] | undefined {
  const list = records.findLast((record) => record.key === 'GNU.sparse.map');
  const numbers =
    list === undefined
      ? records
          .filter((record) => record.key === 'GNU.sparse.offset' || record.key === 'GNU.sparse.numbytes')
          .map((record) => record.value.toString('latin1'))
      : list.value.toString('latin1').split(',');
  if (list === undefined && numbers.length === 0) return undefined;
  return pairUp(numbers.length === 1 && numbers[0] === '' ? [] : numbers, offset);
}

/** How a PAX 1.0 map, which stands before the data, is being read. */
export interface SparseMapReader {
  /** Takes the next block. Returns the map once it is whole. @throws invalid `bad-archive`. */
  block(block: Buffer, offset: number): SparseSegment[] | undefined;
}

/** Reads the map of PAX sparse format 1.0: decimal lines, first the number of segments, then offset and length of each. */
export function createSparseMapReader(): SparseMapReader {
  const lines: string[] = [];
  let unfinished = '';
  let wanted: number | undefined;
  return {
    block(block, offset) {
      const parts = (unfinished + block.toString('latin1')).split('\n');
      unfinished = parts.pop() ?? '';
      for (const line of parts) {
        if (wanted === undefined) {
          const count = parsePaxNumber(line);
          if (count === undefined || count < 0 || count > mostSegments)
            throw badArchive('malformed sparse map', offset);
          wanted = count * 2;
        } else if (lines.length < wanted) lines.push(line);
      }
      if (wanted !== undefined && lines.length === wanted) return pairUp(lines, offset);
      if (unfinished.length > 20) throw badArchive('malformed sparse map', offset);
      return undefined;
    },
  };
}

/**
 * The map of PAX sparse format 1.0 for a file of `size` bytes, padded to whole blocks. A file that ends with a hole gets
 * an empty segment at its end, without which GNU tar makes it too short.
 */
export function formatSparseMap(map: readonly SparseSegment[], size: number): Buffer {
  const last = map.at(-1);
  const closed = last !== undefined && last.offset + last.length === size ? map : [...map, { offset: size, length: 0 }];
  const text = `${closed.length}\n${closed.map(({ offset, length }) => `${offset}\n${length}\n`).join('')}`;
  const body = Buffer.alloc(text.length + paddingOf(text.length));
  body.write(text, 'latin1');
  return body;
}

/**
 * Puts the stored data of a sparse file where it belongs: the returned function takes the data as the reader gives it
 * and calls `write` with each piece and its place in the file.
 */
export function createSparsePlacer(
  map: readonly SparseSegment[],
  write: (offset: number, data: Buffer) => void,
): (data: Buffer) => void {
  let index = 0;
  let done = 0;
  return (data) => {
    let at = 0;
    for (let current = map[index]; current !== undefined && at < data.length; current = map[index]) {
      const take = Math.min(data.length - at, current.length - done);
      write(current.offset + done, data.subarray(at, at + take));
      at += take;
      done += take;
      if (done === current.length) {
        index += 1;
        done = 0;
      }
    }
  };
}

function pairUp(numbers: readonly string[], offset: number): SparseSegment[] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * mostSegments) throw badArchive('malformed sparse map', offset);
  const segments: SparseSegment[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    segments.push(segment(parsePaxNumber(numbers[at] ?? ''), parsePaxNumber(numbers[at + 1] ?? ''), offset));
  }
  return segments;
}

function segment(start: number | undefined, length: number | undefined, offset: number): SparseSegment {
  if (start === undefined || length === undefined || start < 0 || length < 0) {
    throw badArchive('malformed sparse map', offset);
  }
  return { offset: start, length };
}
