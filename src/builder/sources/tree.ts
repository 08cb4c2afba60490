import { invalid } from '../../base/errors.ts';
import type { NeededPath } from '../../formats/context-listing.ts';
import type { SparseSegment } from '../../formats/tar/entry.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import type { OwnContent } from './own-content.ts';

export type NodeKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'character-device' | 'block-device';

/** A file of a source, without its content. */
export interface SourceNode {
  readonly kind: NodeKind;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
  /** Bytes, holes included. */
  readonly size: number;
  readonly sparse?: readonly SparseSegment[] | undefined;
  /** Of a symbolic link. */
  readonly target?: Buffer;
  readonly xattrs: ReadonlyMap<string, Buffer>;
  readonly device?: { readonly major: number; readonly minor: number };
  /** The same for all names of a file that has several. */
  readonly link?: string;
}

/**
 * Files that steps of a build take from: the build context, a stage, an image. Paths are bytes as latin1, relative to the
 * root (`''`, `a/b`), and none of their parts is a link: `resolvePath` sees to that.
 */
export interface SourceTree {
  /** What lies at a path, or undefined. */
  look(path: ByteString): SourceNode | undefined;
  /** The names in a folder, in order; none where it is no folder. */
  list(path: ByteString): readonly ByteString[];
  /** A digest of a file's content. */
  digest(path: ByteString): Promise<string>;
  /** A file's content; of a sparse file the segments, one after another. */
  read(path: ByteString): AsyncIterable<Buffer>;
  /** The open file that a file's content is in alone, where there is one. */
  own?(path: ByteString): OwnContent | undefined;
  /**
   * Only of a tree whose files lie elsewhere: has what is needed brought here. `look` and `list` tell of what was brought,
   * `digest` and `read` work for what was needed with all that is below it. What `leaveOut` says yes for comes without its
   * content. A file that is here stays as it is. Returns the bytes that came. @throws as the source does.
   */
  bring?(needs: readonly NeededPath[], leaveOut?: (path: ByteString) => boolean): Promise<number>;
}

const mostLinks = 255;

/**
 * The path behind a path, all links followed as a process would whose root is the tree's: nothing leads out of it. A
 * part that is missing ends it: what follows is taken as it stands.
 * @throws invalid when links go round.
 */
export function resolvePath(tree: SourceTree, path: ByteString): ByteString {
  const pending = parts(path).reverse();
  let current: ByteString[] = [];
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '..') {
      current.pop();
      continue;
    }
    const next = [...current, part].join('/');
    const node = tree.look(next);
    if (node?.kind !== 'symlink') {
      current.push(part);
      continue;
    }
    links += 1;
    if (links > mostLinks) throw invalid(`too many links: ${readable(path)}`, { code: 'link-loop' });
    const target = (node.target ?? Buffer.alloc(0)).toString('latin1');
    if (target.startsWith('/')) current = [];
    pending.push(...parts(target).reverse());
  }
  return current.join('/');
}

/** The parts of a path; a `..` stays. */
export const parts = (path: ByteString): ByteString[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** A path inside a root with `.` and `..` taken out; what climbs out of the root ends at it. */
export function cleanPath(path: ByteString): ByteString {
  const kept: ByteString[] = [];
  for (const part of parts(path)) {
    if (part === '..') kept.pop();
    else kept.push(part);
  }
  return kept.join('/');
}

export const join = (folder: ByteString, name: ByteString): ByteString =>
  folder === '' ? name : name === '' ? folder : `${folder}/${name}`;

export const baseName = (path: ByteString): ByteString => path.slice(path.lastIndexOf('/') + 1);

/** Text as the bytes that paths are made of. */
export const bytes = (text: string): ByteString => Buffer.from(text).toString('latin1');
/** Bytes as text, for messages. */
export const readable = (path: ByteString): string => Buffer.from(path, 'latin1').toString();

/** All that lies at and below a path, folders before what is in them, names in order. */
export function* walk(tree: SourceTree, path: ByteString): Generator<{ path: ByteString; node: SourceNode }> {
  const node = tree.look(path);
  if (!node) return;
  yield { path, node };
  if (node.kind === 'directory') for (const name of tree.list(path)) yield* walk(tree, join(path, name));
}
