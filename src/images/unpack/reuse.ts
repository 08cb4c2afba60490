import * as fs from 'node:fs';
import { invalid } from '../../base/errors.ts';
import { AT_FDCWD, linkAt } from '../../host/at-calls.ts';
import { setTimesOfFd } from '../../host/file-times.ts';
import { type LayerTree, pathIn, resolveFolder } from './layer-tree.ts';
import { type ByteString, byteString, parentOf, systemPath } from './names.ts';

/** Entries of regular files in a layer's tar whose contents need not be written again. */
export type PlacedRun = EarlierFiles | OwnFile;

interface Placed {
  /** Where the entries begin in the new tar, and how many bytes they take. */
  readonly at: number;
  readonly length: number;
}

/** Files that an earlier layer has too. */
export interface EarlierFiles extends Placed {
  readonly kind: 'earlier';
  /** Paths, bytes as latin1, with NULs between: one text is sent to a thread sooner than many. */
  readonly names: string;
  readonly count: number;
  /** Bytes of the files. */
  readonly size: number;
}

/** One whose content is in an open file of this process, which has no name or is a layer's file that looks the same. */
export interface OwnFile extends Placed {
  readonly kind: 'own';
  readonly fd: number;
  /** Bytes as latin1. */
  readonly name: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
}

export interface Reuse {
  /** The earlier layer's, if there is one. What is in it never changes. */
  readonly folder: string | undefined;
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

/**
 * Gives an open file a name in this layer. It is made to look as it should before it has one. False when it cannot be;
 * then it is to be written.
 */
export function linkOwn(tree: LayerTree, { fd, name, mode, uid, gid, mtime }: OwnFile): boolean {
  const above = parentOf(name);
  try {
    if (resolveFolder(tree, above === '' ? [] : above.split('/')) !== above) return false;
    const stat = fs.fstatSync(fd, { bigint: true }); // what a layer has already is not touched, not for a moment
    if (stat.uid !== BigInt(uid) || stat.gid !== BigInt(gid)) fs.fchownSync(fd, uid, gid);
    if ((stat.mode & 0o7777n) !== BigInt(mode)) fs.fchmodSync(fd, mode);
    if (stat.mtimeNs !== mtime) setTimesOfFd(fd, mtime);
    linkAt(fd, AT_FDCWD, Buffer.from(pathIn(tree, name)));
    return true;
  } catch {
    return false;
  }
}
