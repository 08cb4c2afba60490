import * as fs from 'node:fs';
import * as path from 'node:path';
import { countBuffer } from '../../base/buffer-garbage.ts';
import { asTugError, invalid } from '../../base/errors.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import { type ByteString, nameParts, shown } from '../../images/unpack/names.ts';
import { type ContentFiles, createContentFiles, type IncomingContent } from './content-files.ts';
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
  const contents = createContentFiles(fd, path.dirname(options.file));
  const pack = createPack(contents, options.rootOwned);
  const close = (): void => {
    fs.closeSync(fd);
    for (const own of contents.separate) own.close();
    fs.rmSync(options.file, { force: true });
  };
  try {
    for await (const chunk of archive) {
      signal.throwIfAborted();
      countBuffer(chunk.length);
      pack.feed(chunk);
      await contents.room();
    }
    pack.finish();
    await contents.end();
  } catch (error) {
    await contents.settle();
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

function createPack(contents: ContentFiles, rootOwned: boolean) {
  const files = new Map<ByteString, Packed>([['', folder(0o755)]]);
  let size = 0;
  let current: { entry: TarEntry; path: ByteString; content: IncomingContent } | undefined;
  let entries = 0;
  const reader = createTarReader({
    entry(entry) {
      entries += 1;
      if (entries > mostEntries) throw invalid(`the archive has more than ${mostEntries} entries`);
      const path = placeOf(files, entry);
      current = undefined;
      if (entry.type === 'hard-link') linkFile(files, path, entry);
      else if (entry.type === 'file') current = { entry, path, content: contents.begin(entry) };
      else put(files, path, { node: nodeOf(entry, rootOwned), offset: 0, stored: 0, digest: '' });
    },
    data: (chunk) => current?.content.push(chunk),
    end() {
      if (!current) return;
      const { entry, path, content } = current;
      current = undefined;
      put(files, path, { node: nodeOf(entry, rootOwned), ...content.end() });
    },
  });
  return {
    files,
    size: () => size,
    feed(chunk: Buffer) {
      size += chunk.length;
      reader.feed(chunk);
    },
    finish: () => reader.finish(),
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
