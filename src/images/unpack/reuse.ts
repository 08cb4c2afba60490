import * as fs from 'node:fs';
import { invalid } from '../../base/errors.ts';
import { type LayerTree, pathIn, resolveFolder } from './layer-tree.ts';
import { type ByteString, byteString, parentOf, systemPath } from './names.ts';

/** Entries of regular files in a layer's tar that are files of an earlier layer too. */
export interface PlacedRun {
  /** Where the entries begin in the new tar, and how many bytes they take. */
  readonly at: number;
  readonly length: number;
  /** Paths, bytes as latin1, with NULs between: one text is sent to a thread sooner than many. */
  readonly names: string;
  readonly count: number;
  /** Bytes of the files. */
  readonly size: number;
}

export interface Reuse {
  /** The earlier layer's. What is in it never changes. */
  readonly folder: string;
  /** In the order of the tar. */
  readonly runs: readonly PlacedRun[];
}

const pieceSize = 256 * 1024;

/** Feeds a plain tar without the runs that `link` takes care of. `feed` may keep nothing of what it is given. */
export function feedBetween(
  file: string,
  runs: readonly PlacedRun[],
  { feed, link }: { feed(chunk: Buffer): void; link(run: PlacedRun): boolean },
): void {
  const fd = fs.openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(pieceSize);
    const feedRange = (from: number, to: number): void => {
      for (let at = from; at < to; ) {
        const got = fs.readSync(fd, buffer, 0, Math.min(buffer.length, to - at), at);
        if (got === 0) throw invalid('bad archive: it is cut off', { code: 'bad-archive' });
        feed(buffer.subarray(0, got));
        at += got;
      }
    };
    let position = 0;
    for (const run of runs) {
      feedRange(position, run.at);
      if (!link(run)) feedRange(run.at, run.at + run.length);
      position = run.at + run.length;
    }
    feedRange(position, fs.fstatSync(fd).size);
  } finally {
    fs.closeSync(fd);
  }
}

/**
 * Gives files of an earlier layer the same names in this one. False when one of them cannot be (too many names of one
 * file, or a folder on the way is a link): then all of them are to be written, over those that were linked.
 */
export function linkRun(tree: LayerTree, folder: string, names: readonly ByteString[]): boolean {
  const from = byteString(folder);
  let parent: ByteString | undefined;
  try {
    for (const name of names) {
      const above = parentOf(name);
      if (above !== parent) {
        if (resolveFolder(tree, above === '' ? [] : above.split('/')) !== above) return false;
        parent = above;
      }
      fs.linkSync(systemPath(`${from}/${name}`), pathIn(tree, name));
    }
  } catch {
    return false; // whatever it is, writing meets it again where it matters
  }
  return true;
}
