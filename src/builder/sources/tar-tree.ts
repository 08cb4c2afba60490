import { createHash, type Hash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { countBuffer } from '../../base/buffer-garbage.ts';
import { asTugError, invalid } from '../../base/errors.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import { type ByteString, nameParts, shown } from '../../images/unpack/names.ts';
import { type BlockWriter, createBlockWriter } from './block-writer.ts';
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
      await pack.room();
    }
    await pack.finish();
  } catch (error) {
    await pack.settle();
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
  const together = createBlockWriter(fd);
  /** Where the next content begins that has no file of its own. */
  let position = 0;
  let size = 0;
  let current: Current | undefined;
  const separate = new Set<OwnContent>();
  /** Of the last content that has a file of its own. */
  let alone: BlockWriter | undefined;
  /** The end of all those before it. */
  let ended: Promise<void> = Promise.resolve();
  let entries = 0;
  const separately = ({ size: bytes, sparse }: TarEntry): OwnContent | undefined => {
    const own = bytes >= largeContent && !sparse && separate.size < mostOwn ? openOwnContent(place) : undefined;
    if (!own) return undefined;
    separate.add(own);
    alone = createBlockWriter(own.fd);
    return own;
  };
  const endAlone = (): void => {
    const last = alone?.end();
    alone = undefined;
    ended = Promise.allSettled([ended, last]).then((all) => {
      for (const one of all) if (one.status === 'rejected') throw one.reason;
    });
    ended.catch(() => {}); // who waits for it is told
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
        const writer = own && alone ? alone : together;
        current = { entry, path, offset: own ? 0 : position, stored: 0, hash: createHash('sha256'), own, writer };
      } else put(files, path, { node: nodeOf(entry, rootOwned), offset: 0, stored: 0, digest: '' });
    },
    data(chunk) {
      if (!current) return;
      current.writer.push(chunk);
      current.hash.update(chunk);
      current.stored += chunk.length;
      if (!current.own) position += chunk.length;
    },
    end() {
      if (!current) return;
      const { entry, path, offset, stored, hash, own } = current;
      current = undefined;
      if (own) endAlone();
      if (entry.sparse) hash.update(JSON.stringify(entry.sparse));
      put(files, path, { node: nodeOf(entry, rootOwned), offset, stored, digest: hash.digest('hex'), own });
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
    /** Waits until little of what was fed is left to write. */
    async room() {
      await together.room();
      await ended;
      await alone?.room();
    },
    async finish() {
      reader.finish();
      await together.end();
      await ended;
    },
    /** Waits until nothing is being written, whatever came of it. */
    async settle() {
      await Promise.allSettled([together.end(), ended, alone?.end()]);
    },
  };
}

/** The file whose content comes. */
interface Current {
  readonly entry: TarEntry;
  readonly path: ByteString;
  readonly offset: number;
  stored: number;
  readonly hash: Hash;
  readonly own: OwnContent | undefined;
  readonly writer: BlockWriter;
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
