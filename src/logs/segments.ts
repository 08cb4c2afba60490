import { statSync } from 'node:fs';
import path from 'node:path';
import { namesIn } from '../base/read-if-there.ts';

/**
 * A log is the file that is written, and the older segments `FILE.N` and `FILE.N.gz` beside it. N only ever grows: the
 * file that is written has the number after the greatest, whether it has got its name yet or not. So a place in a log
 * (number and offset) stays good whatever is rotated, compressed or removed meanwhile.
 */
export interface Segment {
  readonly number: number;
  readonly path: string;
  readonly compressed: boolean;
}

export interface SegmentList {
  /** The closed ones, oldest first. */
  readonly closed: readonly Segment[];
  /** The one that is written; its file need not exist. */
  readonly current: Segment;
}

/**
 * What there is of a log now. A newest segment that is still the very file that is written (a rotation between its
 * steps) counts as the latter. Where a segment lies there plain and compressed, it counts once, compressed.
 */
export function listSegments(file: string): SegmentList {
  const found = new Map<number, Segment>();
  const prefix = `${path.basename(file)}.`;
  for (const name of namesIn(path.dirname(file))) {
    const match = name.startsWith(prefix) ? /^(\d{1,15})(\.gz)?$/.exec(name.slice(prefix.length)) : null;
    if (!match) continue;
    const number = Number(match[1]);
    const compressed = match[2] !== undefined;
    if (compressed || !found.has(number))
      found.set(number, { number, path: path.join(path.dirname(file), name), compressed });
  }
  const closed = [...found.values()].sort((a, b) => a.number - b.number);
  const last = closed.at(-1);
  const isOpen = last !== undefined && !last.compressed && isSameFile(last.path, file);
  if (isOpen) closed.pop();
  const number = isOpen ? last.number : (last?.number ?? 0) + 1;
  return { closed, current: { number, path: file, compressed: false } };
}

/** Whether two names lead to one file. False when either is not there. */
export function isSameFile(one: string, other: string): boolean {
  const first = statSync(one, { bigint: true, throwIfNoEntry: false });
  const second = statSync(other, { bigint: true, throwIfNoEntry: false });
  return first !== undefined && second !== undefined && first.ino === second.ino && first.dev === second.dev;
}

export const segmentPath = (file: string, number: number): string => `${file}.${number}`;

/** Bytes of the file; 0 when it is not there. */
export const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
