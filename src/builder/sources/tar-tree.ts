import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { countBuffer } from '../../base/buffer-garbage.ts';
import { asTugError, invalid } from '../../base/errors.ts';
import { writeAllSync } from '../../base/write-all.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import { type ByteString, nameParts, shown } from '../../images/unpack/names.ts';
import { largeContent, mostOwn, type OwnContent, openOwnContent } from './own-content.ts';
import { type Packed, packedTree } from './packed-tree.ts';
import type { SourceNode, SourceTree } from './tree.ts';

/** An archive's files: their metadata in memory, their contents one after another in a file. */
export interface TarTree extends SourceTree, AsyncDisposable {
  /** Bytes that came. */
  readonly size: number;
}

/** The most entries of one archive. */
const mostEntries = 10_000_000;
const writeSize = 1024 * 1024;
/** From so many bytes on a piece is written as it comes, without a copy. */
const largePiece = 32 * 1024;

/**
 * Reads a plain tar. Its contents go to `file`, which is removed with the tree. A later entry of a name replaces an
 * earlier one. No name leads out of the tree, since none is made on a disk.
 * @throws invalid for a bad archive; exhausted when the disk is full. Nothing is left then.
 */
export async function readTarTree(
  archive: AsyncIterable<Buffer>,
  options: { readonly file: string; readonly rootOwned: boolean },
  signal: AbortSignal,
): Promise<TarTree> {
  const fd = fs.openSync(options.file, 'wx+', 0o600);
  const pack = createPack(fd, { ...options, folder: path.dirname(options.file) });
  const close = (): void => {
    fs.closeSync(fd);
    for (const own of pack.separate) own.close();
    fs.rmSync(options.file, { force: true });
  };
  try {
    for await (const chunk of archive) {
      signal.throwIfAborted();
      countBuffer(chunk.length);
      pack.feed(chunk);
    }
    pack.finish();
  } catch (error) {
    close();
    throw asTugError(error);
  }
  let open = true;
  return {
    ...packedTree(pack.files, fd),
    size: pack.size(),
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      close();
    },
  };
}

function createPack(fd: number, { rootOwned, folder: place }: { rootOwned: boolean; folder: string }) {
  const files = new Map<ByteString, Packed>([['', folder(0o755)]]);
  let waiting: Buffer[] = [];
  let waitingSize = 0;
  let position = 0;
  let size = 0;
  let current:
    | { entry: TarEntry; path: ByteString; offset: number; hash: Hash; own: OwnContent | undefined }
    | undefined;
  /** Bytes of the current file, where it has a file of its own. */
  let ownSize = 0;
  const separate = new Set<OwnContent>();
  let entries = 0;
  const flush = (): void => {
    if (waitingSize > 0) writeAllSync(fd, Buffer.concat(waiting, waitingSize), position - waitingSize);
    waiting = [];
    waitingSize = 0;
  };
  const separately = ({ size: bytes, sparse }: TarEntry): OwnContent | undefined => {
    ownSize = 0;
    const own = bytes >= largeContent && !sparse && separate.size < mostOwn ? openOwnContent(place) : undefined;
    if (own) separate.add(own);
    return own;
  };
  const reader = createTarReader({
    entry(entry) {
      entries += 1;
      if (entries > mostEntries) throw invalid(`the archive has more than ${mostEntries} entries`);
      const path = placeOf(files, entry);
      current = undefined;
      if (entry.type === 'hard-link') linkFile(files, path, entry);
      else if (entry.type === 'file') {
        const own = separately(entry);
        current = { entry, path, offset: own ? 0 : position, hash: createHash('sha256'), own };
      } else put(files, path, { node: nodeOf(entry, rootOwned), offset: 0, stored: 0, digest: '' });
    },
    data(chunk) {
      if (!current) return;
      current.hash.update(chunk);
      if (current.own) {
        writeAllSync(current.own.fd, chunk, ownSize);
        ownSize += chunk.length;
        return;
      }
      if (chunk.length >= largePiece) {
        flush();
        writeAllSync(fd, chunk, position);
        position += chunk.length;
        return;
      }
      waiting.push(Buffer.from(chunk)); // a view of what may be overwritten
      waitingSize += chunk.length;
      position += chunk.length;
      if (waitingSize >= writeSize) flush();
    },
    end() {
      if (!current) return;
      const { entry, path, offset, hash, own } = current;
      current = undefined;
      if (entry.sparse) hash.update(JSON.stringify(entry.sparse));
      const node = nodeOf(entry, rootOwned);
      put(files, path, { node, offset, stored: own ? ownSize : position - offset, digest: hash.digest('hex'), own });
    },
  });
  return {
    files,
    separate,
    size: () => size,
    feed(chunk: Buffer) {
      size += chunk.length;
      reader.feed(chunk);
    },
    finish() {
      reader.finish();
      flush();
    },
  };
}

const nothing: ReadonlyMap<string, Buffer> = new Map();

const folder = (mode: number): Packed => ({
  node: { kind: 'directory', mode, uid: 0, gid: 0, mtime: 0n, size: 0, xattrs: nothing },
  offset: 0,
  stored: 0,
  digest: '',
});

/** Where an entry belongs; folders that the archive does not carry are made. @throws invalid for a name that climbs out. */
function placeOf(files: Map<ByteString, Packed>, entry: TarEntry): ByteString {
  const names = nameParts(entry.name);
  let at = '';
  for (const name of names.slice(0, -1)) {
    at = at === '' ? name : `${at}/${name}`;
    const there = files.get(at);
    if (!there) files.set(at, folder(0o755));
    else if (there.node.kind !== 'directory')
      throw invalid(`bad archive: ${shown(at)} is not a folder`, { code: 'bad-archive' });
  }
  return names.join('/');
}

function put(files: Map<ByteString, Packed>, path: ByteString, packed: Packed): void {
  const there = files.get(path);
  if (there?.node.kind === 'directory' && packed.node.kind !== 'directory') {
    if (path === '') throw invalid('bad archive: the root is not a folder', { code: 'bad-archive' });
    for (const name of files.keys()) if (name.startsWith(`${path}/`)) files.delete(name);
  }
  files.set(path, packed);
}

function linkFile(files: Map<ByteString, Packed>, path: ByteString, entry: TarEntry): void {
  const target = nameParts(entry.linkName).join('/');
  const found = files.get(target);
  if (!found || found.node.kind === 'directory')
    throw invalid(`bad archive: ${shown(path)} links to ${shown(target)}, which is no file of it`, {
      code: 'bad-archive',
    });
  if (path === target) return;
  const linked = { ...found, node: { ...found.node, link: found.node.link ?? target } };
  files.set(target, linked);
  put(files, path, linked);
}

function nodeOf(entry: TarEntry, rootOwned: boolean): SourceNode {
  const { type, mode, mtime, size, sparse, xattrs } = entry;
  return {
    kind: type === 'hard-link' ? 'file' : type,
    mode: type === 'symlink' ? 0o777 : mode,
    uid: rootOwned ? 0 : entry.uid,
    gid: rootOwned ? 0 : entry.gid,
    mtime,
    size,
    xattrs: xattrs.size === 0 ? nothing : xattrs,
    ...(sparse ? { sparse } : {}),
    ...(type === 'symlink' ? { target: Buffer.from(entry.linkName) } : {}),
    ...(type.endsWith('-device') ? { device: { major: entry.deviceMajor, minor: entry.deviceMinor } } : {}),
  };
}
