import {
  createReadStream,
  createWriteStream,
  existsSync,
  linkSync,
  renameSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { crashPoint } from '../base/crash-points.ts';
import { errnoOf } from '../base/errors.ts';
import type { Limits } from './limits.ts';
import { isSameFile, listSegments, segmentPath, sizeOf } from './segments.ts';

/** Milliseconds a monitor gets to begin its new file. It takes 3 to 20 under load. */
const reopenPatience = 2000;

/**
 * Closes the present file of a log under its number and has the writer begin the next. Killed after the first step,
 * the file has two names, and `settleRotation` finishes or undoes it; no line is lost or read twice at any time.
 * @returns false when the writer has not begun a new file: it has ended, or is busy.
 */
export async function rotate(file: string, reopen: () => boolean): Promise<boolean> {
  const { current } = listSegments(file);
  const closed = segmentPath(file, current.number);
  if (!isSameFile(file, closed)) linkSync(file, closed);
  crashPoint('log.rotate.linked');
  const done = await isReplaced(file, closed, reopen);
  crashPoint('log.rotate.reopened');
  return done;
}

/** As `rotate`, for a file nobody writes. */
export function rotateIdle(file: string): void {
  const { current } = listSegments(file);
  if (existsSync(file)) renameSync(file, segmentPath(file, current.number));
}

/**
 * Finishes a rotation that was cut off. For a log that is written, `reopen` is called only after the writer had its
 * time to do what it may already have been told: told twice it would throw away what it wrote between.
 */
export async function settleRotation(file: string, reopen: (() => boolean) | undefined): Promise<void> {
  const { current } = listSegments(file);
  const closed = segmentPath(file, current.number);
  if (!isSameFile(file, closed)) return;
  if (!reopen) {
    rmSync(closed); // its other name stays
    return;
  }
  if (!(await isReplaced(file, closed, () => true))) await isReplaced(file, closed, reopen);
}

/** Tells the writer to begin a new file and waits until it has. */
async function isReplaced(file: string, closed: string, tell: () => boolean): Promise<boolean> {
  const watcher = watch(path.dirname(file));
  try {
    const { promise: over, resolve } = Promise.withResolvers<boolean>();
    const look = (): void => {
      if (!isSameFile(file, closed)) resolve(true);
    };
    const timer = setTimeout(() => resolve(false), reopenPatience);
    watcher.on('change', look);
    watcher.on('error', look);
    if (!tell()) return !isSameFile(file, closed);
    look();
    const done = await over;
    clearTimeout(timer);
    return done;
  } finally {
    watcher.close();
  }
}

/**
 * Brings the closed segments within the limits: the oldest go, of one that is larger than all may be (what was written
 * while the engine was away) only the end stays, and the others are compressed if asked for. Idempotent; what a crash
 * leaves is found by the next call.
 */
export async function tidySegments(file: string, limits: Limits): Promise<void> {
  dropOldest(file, limits.maxFile - 1);
  for (const { number, compressed } of listSegments(file).closed) {
    const plain = segmentPath(file, number);
    if (compressed)
      rmSync(plain, { force: true }); // compressed, but not yet removed
    else if (sizeOf(plain) > limits.maxSize * limits.maxFile) await keepEnd(plain, limits.maxSize * limits.maxFile);
    if (!compressed && limits.compress && sizeOf(plain) > 0) await compress(plain);
  }
}

/** Removes the oldest closed segments, so that `keep` stay. */
export function dropOldest(file: string, keep: number): void {
  const full = listSegments(file).closed.filter((segment) => sizeOf(segment.path) > 0);
  if (keep === 0) dropBefore(file, Number.POSITIVE_INFINITY);
  else if (full.length > 0) dropBefore(file, full.at(-keep)?.number ?? full[0]?.number ?? 0);
}

/**
 * Removes the closed segments with lower numbers. The newest of all stays as an empty file if it is among them, since
 * the number of the file that is written follows from it. Idempotent.
 */
export function dropBefore(file: string, number: number): void {
  const { closed } = listSegments(file);
  const newest = closed.at(-1);
  for (const segment of closed) {
    if (segment.number >= number) continue;
    const plain = segmentPath(file, segment.number);
    if (segment !== newest) rmSync(plain, { force: true });
    else if (sizeOf(plain) > 0 || segment.compressed) writeFileSync(plain, '');
    if (segment.compressed) rmSync(segment.path, { force: true });
  }
}

/** Replaces a closed segment by its last bytes, from the beginning of a line. */
async function keepEnd(file: string, bytes: number): Promise<void> {
  const temporary = `${file}.tmp`;
  await replaceBy(temporary, file, async () => {
    const start = await afterNewline(file, Math.max(sizeOf(file) - bytes, 0));
    await pipeline(createReadStream(file, { start }), createWriteStream(temporary, { mode: 0o640 }));
  });
}

/** The first byte after a newline at or after `offset`, of those that are near. */
async function afterNewline(file: string, offset: number): Promise<number> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(1 << 16), 0, 1 << 16, offset);
    return offset + buffer.subarray(0, bytesRead).indexOf(10) + 1;
  } finally {
    await handle.close();
  }
}

/** Compresses a closed segment in the background threads of zlib. Both files are there for a moment; readers take one. */
async function compress(file: string): Promise<void> {
  const temporary = `${file}.gz.tmp`;
  await replaceBy(temporary, `${file}.gz`, () =>
    pipeline(
      createReadStream(file, { highWaterMark: 1 << 18 }),
      createGzip({ level: 1, chunkSize: 1 << 18 }),
      createWriteStream(temporary, { mode: 0o640 }),
    ),
  );
  crashPoint('log.rotate.compressed');
  await rm(file, { force: true });
}

async function replaceBy(temporary: string, target: string, write: () => Promise<void>): Promise<void> {
  try {
    await write();
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    if (errnoOf(error) !== 'ENOENT') throw error; // cleared or removed meanwhile
  }
}
