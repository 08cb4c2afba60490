import type { ProgressMessage } from '../api/types/image.ts';
import { shortId } from '../base/ids.ts';
import { humanSize } from '../formats/bytes.ts';
import type { Progress } from './contract.ts';

/** The lines of one layer in Docker's pull stream, under the first 12 digits of its blob's digest. */
export interface LayerProgress {
  /** `Pulling fs layer`, `Waiting`, `Verifying Checksum`, `Download complete`, `Pull complete`, `Already exists`, ... */
  say(status: string): void;
  /** `Downloading` or `Extracting` with a bar. */
  bar(status: string, current: number, total: number): void;
}

export function layerProgress(progress: Progress, digest: string): LayerProgress {
  const id = shortId(digest);
  return {
    say: (status) => progress({ status, progressDetail: {}, id }),
    bar: (status, current, total) => progress(barMessage(status, id, current, total)),
  };
}

function barMessage(status: string, id: string, current: number, total: number): ProgressMessage {
  return { status, progressDetail: { current, total }, progress: progressBar(current, total), id };
}

/** Docker's ready-made bar: 50 characters wide, then `current/total` in decimal units. */
export function progressBar(current: number, total: number): string {
  const filled = Math.min(50, Math.trunc(((current / total) * 100) / 2) || 0);
  const size = current > total ? humanSize(current) : `${humanSize(current).padStart(8)}/${humanSize(total)}`;
  return `[${'='.repeat(filled)}>${' '.repeat(50 - filled)}] ${size}`;
}

/** A gate that lets a call through when `milliseconds` have passed since the last one that it let through. */
export function atMostEvery(milliseconds: number, now: () => number = () => performance.now()): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const time = now();
    if (time - last < milliseconds) return false;
    last = time;
    return true;
  };
}
