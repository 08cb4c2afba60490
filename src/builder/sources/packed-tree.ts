import * as fs from 'node:fs';
import { invalid } from '../../base/errors.ts';
import { type ByteString, shown } from '../../images/unpack/names.ts';
import type { OwnContent } from './own-content.ts';
import type { SourceNode, SourceTree } from './tree.ts';

/** A file whose content lies somewhere in a larger one. */
export interface Packed {
  readonly node: SourceNode;
  /** Where the content begins, and how long it is. */
  readonly offset: number;
  readonly stored: number;
  /** SHA-256 of the content, hex. */
  readonly digest: string;
  /** The file that it is in alone, instead. */
  readonly own?: OwnContent | undefined;
}

/** Files by their names, with their contents in one open file or files of their own, which are not closed here. */
export function packedTree(files: ReadonlyMap<ByteString, Packed>, fd: number): SourceTree {
  let children: Map<ByteString, ByteString[]> | undefined;
  const of = (path: ByteString): Packed => {
    const packed = files.get(path);
    if (!packed) throw invalid(`no such file: ${shown(path)}`);
    return packed;
  };
  return {
    look: (path) => files.get(path)?.node,
    list(path) {
      children ??= childrenOf(files);
      return children.get(path) ?? [];
    },
    digest: async (path) => of(path).digest,
    own: (path) => files.get(path)?.own,
    read: (path) => piecesOf(of(path).own?.fd ?? fd, of(path)),
  };
}

function childrenOf(files: ReadonlyMap<ByteString, Packed>): Map<ByteString, ByteString[]> {
  const children = new Map<ByteString, ByteString[]>();
  for (const path of files.keys()) {
    if (path === '') continue;
    const slash = path.lastIndexOf('/');
    const parent = path.slice(0, Math.max(slash, 0));
    const names = children.get(parent);
    if (names) names.push(path.slice(slash + 1));
    else children.set(parent, [path.slice(slash + 1)]);
  }
  for (const names of children.values()) names.sort();
  return children;
}

const pieceSize = 256 * 1024;

/** A content, piece by piece. @throws invalid when the file ends before it. */
export async function* piecesOf(
  fd: number,
  { offset, stored }: Pick<Packed, 'offset' | 'stored'>,
): AsyncGenerator<Buffer> {
  for (let done = 0; done < stored; ) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceSize, stored - done));
    const got = fs.readSync(fd, buffer, 0, buffer.length, offset + done);
    if (got === 0) throw invalid('the build context was cut off');
    yield buffer.subarray(0, got);
    done += got;
  }
}
