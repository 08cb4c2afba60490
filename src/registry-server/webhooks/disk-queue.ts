import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import * as path from 'node:path';
import { writeFileWhole } from '../../base/atomic-file.ts';
import { errnoOf, messageOf } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { readIfThere } from '../../base/read-if-there.ts';
import type { EventQueue } from './queue.ts';

export interface DiskQueueOptions {
  /** Bytes that may wait. */
  readonly limit?: number;
  /** Bytes of one file. */
  readonly segmentSize?: number;
  readonly log: Logger;
}

/** Where the receiver is: everything before it was delivered. */
interface Cursor {
  readonly segment: number;
  readonly offset: number;
}

const chunk = 256 * 1024;

/**
 * A queue in a folder: files of one JSON line per event (`00000001.jsonl`, ...), and `cursor`, which says how far the
 * receiver is. A line is with the kernel when `append` returns, so a killed server loses none; a power cut may take
 * the last ones. Killed between a delivery and `taken`, the next server delivers those lines once more.
 * @throws the system error when the folder cannot be made or read.
 */
export function openDiskQueue(folder: string, options: DiskQueueOptions): EventQueue {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return new DiskQueue(folder, options);
}

class DiskQueue implements EventQueue {
  readonly #folder: string;
  readonly #limit: number;
  readonly #segmentSize: number;
  readonly #log: Logger;
  /** Bytes of each file, oldest first. */
  readonly #segments: Map<number, number>;
  #cursor: Cursor;
  /** Where the lines that `read` gave end, and how many they are. */
  #given: { readonly cursor: Cursor; readonly count: number } | undefined;
  #tail: { readonly fd: number; readonly segment: number } | undefined;
  #pending: number;
  #dropped = 0;

  constructor(folder: string, { limit = 64 * 1024 * 1024, segmentSize = 4 * 1024 * 1024, log }: DiskQueueOptions) {
    this.#folder = folder;
    this.#limit = limit;
    this.#segmentSize = Math.min(segmentSize, limit);
    this.#log = log;
    this.#segments = readSegments(folder);
    this.#cursor = this.#readCursor();
    this.#pending = this.#countPending();
  }

  get pending(): number {
    return this.#pending;
  }

  get dropped(): number {
    return this.#dropped;
  }

  append(line: string): void {
    const bytes = Buffer.from(`${line}\n`);
    try {
      const { fd, segment } = this.#tailFor(bytes.length);
      const written = writeSync(fd, bytes);
      this.#segments.set(segment, (this.#segments.get(segment) ?? 0) + written);
      if (written < bytes.length) throw new Error('the disk is full'); // the reader passes over half a line
      this.#pending += 1;
    } catch (error) {
      this.#dropped += 1;
      this.#endTail(); // the next line begins a file
      this.#log.error('an event was lost: it could not be queued', { folder: this.#folder, error });
    }
    this.#dropOldest();
  }

  async read(most: number): Promise<readonly string[]> {
    this.#given = undefined;
    for (;;) {
      const { lines, end } = await this.#readLines(this.#cursor, most);
      if (lines.length > 0) {
        this.#given = { cursor: end, count: lines.length };
        return lines;
      }
      const next = [...this.#segments.keys()].find((segment) => segment > this.#cursor.segment);
      if (next === undefined) {
        this.#pending = 0;
        return [];
      }
      this.#removeSegment(this.#cursor.segment);
      this.#cursor = { segment: next, offset: 0 };
    }
  }

  async taken(): Promise<void> {
    const given = this.#given;
    if (given === undefined) return; // dropped meanwhile
    this.#given = undefined;
    this.#cursor = given.cursor;
    this.#pending = Math.max(0, this.#pending - given.count);
    await writeFileWhole(path.join(this.#folder, 'cursor'), JSON.stringify(given.cursor));
  }

  close(): void {
    this.#endTail();
  }

  #tailFor(length: number): { readonly fd: number; readonly segment: number } {
    const current = this.#tail;
    if (current && (this.#segments.get(current.segment) ?? 0) + length <= this.#segmentSize) return current;
    this.#endTail();
    const segment = Math.max(this.#cursor.segment, ...this.#segments.keys()) + 1;
    this.#tail = { fd: openSync(this.#file(segment), 'a', 0o600), segment };
    this.#segments.set(segment, 0);
    return this.#tail;
  }

  #endTail(): void {
    if (this.#tail) closeSync(this.#tail.fd);
    this.#tail = undefined;
  }

  #dropOldest(): void {
    let size = 0;
    for (const bytes of this.#segments.values()) size += bytes;
    for (const [segment, bytes] of this.#segments) {
      if (size <= this.#limit || segment === this.#tail?.segment) return;
      const before = this.#pending;
      this.#removeSegment(segment);
      size -= bytes;
      if (segment < this.#cursor.segment) continue;
      this.#given = undefined;
      this.#cursor = { segment: segment + 1, offset: 0 };
      this.#pending = this.#countPending();
      this.#dropped += Math.max(0, before - this.#pending);
      this.#log.error('events were lost: the receiver takes none and the queue is full', { folder: this.#folder });
    }
  }

  /** Whole lines behind a cursor; none at the end of its file. */
  async #readLines({ segment, offset }: Cursor, most: number): Promise<{ lines: string[]; end: Cursor }> {
    let size = chunk;
    for (;;) {
      const bytes = await readPart(this.#file(segment), offset, size);
      const lines: string[] = [];
      let end = 0;
      while (lines.length < most) {
        const at = bytes.indexOf(10, end);
        if (at < 0) break;
        const line = bytes.toString('utf8', end, at);
        end = at + 1;
        if (isWhole(line)) lines.push(line);
      }
      if (lines.length > 0 || bytes.length < size) return { lines, end: { segment, offset: offset + end } };
      size *= 2; // a line longer than that
    }
  }

  #readCursor(): Cursor {
    const first = this.#segments.keys().next().value ?? 1;
    try {
      const { segment, offset } = JSON.parse(readIfThere(path.join(this.#folder, 'cursor')) ?? '{}') as Partial<Cursor>;
      if (Number.isSafeInteger(segment) && Number.isSafeInteger(offset)) {
        const known = { segment: Number(segment), offset: Number(offset) };
        return known.segment >= first || this.#segments.size === 0 ? known : { segment: first, offset: 0 };
      }
    } catch (error) {
      this.#log.warn('the place in a queue of events is unreadable: all of it is delivered again', {
        folder: this.#folder,
        reason: messageOf(error),
      });
    }
    return { segment: first, offset: 0 };
  }

  #countPending(): number {
    let count = 0;
    for (const segment of this.#segments.keys()) {
      if (segment < this.#cursor.segment) continue;
      const bytes = readFileSync(this.#file(segment));
      let at = segment === this.#cursor.segment ? this.#cursor.offset : 0;
      for (; ; count += 1) {
        at = bytes.indexOf(10, at) + 1;
        if (at === 0) break;
      }
    }
    return count;
  }

  #removeSegment(segment: number): void {
    rmSync(this.#file(segment), { force: true });
    this.#segments.delete(segment);
  }

  #file(segment: number): string {
    return path.join(this.#folder, `${String(segment).padStart(8, '0')}.jsonl`);
  }
}

function readSegments(folder: string): Map<number, number> {
  const numbers = readdirSync(folder)
    .map((name) => Number(/^(\d{8})\.jsonl$/.exec(name)?.[1] ?? Number.NaN))
    .filter((number) => !Number.isNaN(number))
    .sort((one, other) => one - other);
  const sizeOf = (segment: number): number =>
    statSync(path.join(folder, `${String(segment).padStart(8, '0')}.jsonl`)).size;
  return new Map(numbers.map((number) => [number, sizeOf(number)]));
}

async function readPart(file: string, offset: number, size: number): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(size), 0, size, offset);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

/** False for what a full disk cut off. */
function isWhole(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
