import * as fs from 'node:fs';
import { errnoOf, invalid } from '../../base/errors.ts';
import { writeAllSync } from '../../base/write-all.ts';
import { createDataPlacer } from '../../formats/tar/data-placer.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { setTimesOfFd } from '../../host/file-times.ts';
import { makeNode, nodeTypes } from '../../host/mknod.ts';
import { carryFolder, clearPlace, joinPath, type LayerTree, markBrought, pathIn, resolveFolder } from './layer-tree.ts';
import { applyLinkMetadata, applyMetadata, applyXattrs, metadataOf } from './metadata.ts';
import { type ByteString, nameParts, shown } from './names.ts';
import { applyWhiteout } from './whiteouts.ts';

/** What the tar reader calls while it reads a layer. */
export interface EntryWriter {
  entry(entry: TarEntry): void;
  data(chunk: Buffer): void;
  end(): void;
  /** Closes the file that is being written, if any. Idempotent. */
  close(): void;
  /** Counts files that came another way. @throws as `entry`. */
  count(entries: number, bytes: number): void;
  /** Bytes of the files so far. */
  size(): number;
}

/**
 * Writes the entries of a layer into its tree. A later entry replaces an earlier one; a folder merges with one.
 * @throws invalid `layer-escapes`, `bad-archive`; the system error when something cannot be written.
 */
export function createEntryWriter(tree: LayerTree, limits: { entries: number }): EntryWriter {
  let file: OpenFile | undefined;
  let entries = 0;
  let size = 0;
  const count = (more: number, bytes: number): void => {
    entries += more;
    size += bytes;
    if (entries <= limits.entries) return;
    throw invalid(
      `the layer has more than ${limits.entries} entries (decompression-limits.entries of the configuration)`,
      { code: 'layer-too-large' },
    );
  };
  return {
    count,
    entry(entry) {
      count(1, 0);
      file = writeEntry(tree, entry);
      if (entry.type === 'file') size += entry.size;
    },
    data: (chunk) => file?.write(chunk),
    end() {
      const ended = file;
      file = undefined;
      ended?.end();
    },
    close() {
      const open = file;
      file = undefined;
      open?.close();
    },
    size: () => size,
  };
}

interface OpenFile {
  write(chunk: Buffer): void;
  end(): void;
  close(): void;
}

function writeEntry(tree: LayerTree, entry: TarEntry): OpenFile | undefined {
  const parts = nameParts(entry.name);
  const name = parts.pop();
  if (name === undefined) {
    if (entry.type !== 'directory') throw invalid('bad archive: the root is not a folder', { code: 'bad-archive' });
    carryFolder(tree, '', metadataOf(entry));
    return undefined;
  }
  const folder = resolveFolder(tree, parts);
  if (applyWhiteout(tree, folder, name)) return undefined;
  const relative = joinPath(folder, name);
  markBrought(tree, relative);
  switch (entry.type) {
    case 'file':
      return openFile(tree, relative, entry);
    case 'directory':
      carryFolder(tree, relative, metadataOf(entry));
      return undefined;
    case 'symlink':
      if (entry.linkName.length === 0) throw cannotBe(relative, 'is a link to nothing');
      inPlace(tree, relative, (path) => fs.symlinkSync(entry.linkPath ?? entry.linkName, path));
      applyLinkMetadata(pathIn(tree, relative), metadataOf(entry), tree.lost);
      return undefined;
    case 'hard-link':
      link(tree, relative, entry);
      return undefined;
    default:
      makeDevice(tree, relative, entry);
      return undefined;
  }
}

/** Makes something; what is in its place already gives way. */
function inPlace<T>(tree: LayerTree, relative: ByteString, make: (path: string | Buffer) => T): T {
  const path = pathIn(tree, relative);
  try {
    return make(path);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw named(error, relative);
    clearPlace(tree, relative);
    markBrought(tree, relative);
    return make(path);
  }
}

const cannotBe = (relative: ByteString, why: string): Error =>
  invalid(`bad archive: ${shown(relative)} ${why}`, { code: 'bad-archive' });

function named(error: unknown, relative: ByteString): unknown {
  if (errnoOf(error) !== 'ENAMETOOLONG') return error;
  return invalid(`bad archive: the name is too long: ${shown(relative)}`, { code: 'bad-archive', cause: error });
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
const writeFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
const setIdBits = 0o7000;

function openFile(tree: LayerTree, relative: ByteString, entry: TarEntry): OpenFile {
  const fd = inPlace(tree, relative, (path) => fs.openSync(path, writeFlags, entry.mode & 0o777));
  return {
    write: createDataPlacer(entry.sparse, (offset, chunk) => writeAllSync(fd, chunk, offset)),
    end() {
      try {
        if (entry.sparse) fs.ftruncateSync(fd, entry.size);
        // What open(2) did already is left out, which saves a layer of small files a tenth of its time. A folder
        // that was copied from below may have its set-group-id bit or default permissions set.
        if (entry.uid !== 0 || entry.gid !== 0 || !tree.overlay) fs.fchownSync(fd, entry.uid, entry.gid);
        if ((entry.mode & (setIdBits | tree.umask)) !== 0 || !tree.overlay) fs.fchmodSync(fd, entry.mode);
        if (entry.xattrs.size > 0) applyXattrs(pathIn(tree, relative), entry.xattrs, tree.lost);
        setTimesOfFd(fd, entry.mtime);
      } finally {
        fs.closeSync(fd);
      }
    },
    close: () => fs.closeSync(fd),
  };
}

function link(tree: LayerTree, relative: ByteString, entry: TarEntry): void {
  const parts = nameParts(entry.linkName);
  const name = parts.pop();
  const target = name === undefined ? '' : joinPath(resolveFolder(tree, parts), name);
  if (target === relative) return;
  const from = pathIn(tree, target);
  const stat = fs.lstatSync(from, { throwIfNoEntry: false });
  // a copy of the layer below, or the mark that hides what it has, is nothing that this layer could link to
  const inLayer = stat && !tree.whiteouts.has(target) && tree.brought?.has(target) !== false;
  if (!inLayer || stat.isDirectory()) {
    throw cannotBe(relative, `links to ${shown(target)}, which is ${inLayer ? 'a folder' : 'not in the layer'}`);
  }
  inPlace(tree, relative, (path) => fs.linkSync(from, path));
}

function makeDevice(tree: LayerTree, relative: ByteString, entry: TarEntry): void {
  const type =
    entry.type === 'fifo' ? nodeTypes.fifo : entry.type === 'block-device' ? nodeTypes.block : nodeTypes.character;
  if (type === nodeTypes.character && entry.deviceMajor === 0 && entry.deviceMinor === 0) {
    throw cannotBe(relative, 'is the device 0:0, which stands for a deleted file');
  }
  inPlace(tree, relative, (path) => makeNode(path, 0o600 | type, entry.deviceMajor, entry.deviceMinor));
  applyMetadata(pathIn(tree, relative), metadataOf(entry), tree.lost);
}
