import * as fs from 'node:fs';
import { errnoOf, invalid } from '../../base/errors.ts';
import { writeAllSync } from '../../base/write-all.ts';
import { createDataPlacer } from '../../formats/tar/data-placer.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { setTimes, setTimesOfFd } from '../../host/file-times.ts';
import { makeNode, nodeTypes } from '../../host/mknod.ts';
import { applyXattrs } from '../../images/unpack/metadata.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { archiveParts, inFolder, makeFolders, O_PATH, openPlace, quoted, removeAt, rootPath } from './place.ts';
import type { WriteOptions } from './write-files.ts';

/** Puts the entries of an archive into a container's files. */
export interface EntryPlacer {
  entry(entry: TarEntry): void;
  data(chunk: Buffer): void;
  end(): void;
  /** Sets the times of the folders, which every file made in them changed. */
  finish(): void;
  /** Lets go of what is open. Idempotent. */
  close(): void;
}

interface State {
  readonly root: number;
  readonly options: WriteOptions;
  /** The folder that was written to last. */
  held: { readonly path: string; readonly fd: number } | undefined;
  readonly folders: Map<string, { readonly parts: readonly ByteString[]; readonly mtime: bigint }>;
}

interface OpenFile {
  write(chunk: Buffer): void;
  end(): void;
  close(): void;
}

export function createEntryPlacer(root: number, options: WriteOptions): EntryPlacer {
  const state: State = { root, options, held: undefined, folders: new Map() };
  let file: OpenFile | undefined;
  return {
    entry(entry) {
      file = placeEntry(state, entry);
    },
    data: (chunk) => file?.write(chunk),
    end() {
      const ended = file;
      file = undefined;
      ended?.end();
    },
    finish() {
      for (const { parts, mtime } of [...state.folders.values()].reverse()) {
        const name = parts.at(-1);
        if (name !== undefined) setTimes(inFolder(holdParent(state, parts.slice(0, -1)), name), mtime);
      }
    },
    close() {
      file?.close();
      file = undefined;
      if (state.held) fs.closeSync(state.held.fd);
      state.held = undefined;
    },
  };
}

/** The folder an entry goes to, looked up inside the root; held until another one is asked for. */
function holdParent(state: State, parts: readonly ByteString[]): number {
  const path = parts.join('/');
  if (state.held?.path === path) return state.held.fd;
  if (state.held) fs.closeSync(state.held.fd);
  state.held = undefined;
  const fd = makeFolders(state.root, state.options.path, parts);
  state.held = { path, fd };
  return fd;
}

function placeEntry(state: State, entry: TarEntry): OpenFile | undefined {
  const { options } = state;
  const parts = archiveParts(entry.name, options.path);
  const name = parts.at(-1);
  if (name === undefined) {
    if (entry.type !== 'directory') throw invalid(`bad archive: ${quoted(entry.name)} is not a folder`);
    if (options.ofRoot) {
      const top = `${rootPath(state.root)}/.`;
      fs.chownSync(top, entry.uid, entry.gid);
      fs.chmodSync(top, entry.mode & 0o7777);
    }
    return undefined;
  }
  const folder = holdParent(state, parts.slice(0, -1));
  const isFolder = makeRoom(folder, name, entry, options);
  switch (entry.type) {
    case 'file':
      return openFile(folder, name, entry, options);
    case 'directory':
      if (!isFolder) fs.mkdirSync(inFolder(folder, name), { mode: 0o700 });
      applyToFolderOrNode(folder, name, entry, options);
      state.folders.set(parts.join('/'), { parts, mtime: entry.mtime });
      return undefined;
    case 'symlink':
      fs.symlinkSync(entry.linkPath ?? entry.linkName, inFolder(folder, name));
      applyToName(folder, name, entry, options);
      return undefined;
    case 'hard-link':
      link(state, folder, name, entry);
      return undefined;
    default:
      makeNode(inFolder(folder, name), 0o600 | nodeType(entry), entry.deviceMajor, entry.deviceMinor);
      applyToFolderOrNode(folder, name, entry, options);
      return undefined;
  }
}

const nodeType = ({ type }: TarEntry): number =>
  type === 'fifo' ? nodeTypes.fifo : type === 'block-device' ? nodeTypes.block : nodeTypes.character;

/** Removes what is in an entry's place; true for a folder that a folder merges with. */
function makeRoom(folder: number, name: ByteString, entry: TarEntry, options: WriteOptions): boolean {
  const there = fs.lstatSync(inFolder(folder, name), { throwIfNoEntry: false });
  if (!there) return false;
  const comes = entry.type === 'directory';
  if (there.isDirectory() && comes) return true;
  if (options.noOverwriteDirNonDir && there.isDirectory() !== comes) {
    const [what, by] = comes ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
    const path = `${options.path.replace(/\/+$/, '')}/${archiveParts(entry.name, options.path).join('/')}`;
    throw invalid(`cannot overwrite ${what} ${quoted(path)} with ${by} ${quoted(options.path)}`);
  }
  removeAt(folder, name);
  return false;
}

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY } = fs.constants;

/** A new file under a new name: what the container may put in its place meanwhile is never written to. */
function openFile(folder: number, name: ByteString, entry: TarEntry, options: WriteOptions): OpenFile {
  const path = inFolder(folder, name);
  const fd = fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return {
    write: createDataPlacer(entry.sparse, (offset, chunk) => writeAllSync(fd, chunk, offset)),
    end() {
      try {
        if (entry.sparse) fs.ftruncateSync(fd, entry.size);
        const { uid, gid } = options.owner ?? entry;
        fs.fchownSync(fd, uid, gid);
        fs.fchmodSync(fd, entry.mode);
        if (isThat(path, fd)) applyXattrs(path, entry.xattrs, new Set());
        setTimesOfFd(fd, entry.mtime);
      } finally {
        fs.closeSync(fd);
      }
    },
    close: () => fs.closeSync(fd),
  };
}

/** False when the container has put something else under the name. */
function isThat(path: string | Buffer, fd: number): boolean {
  const [named, open] = [fs.lstatSync(path, { throwIfNoEntry: false }), fs.fstatSync(fd)];
  return named?.ino === open.ino && named.dev === open.dev;
}

/** Sets owner and mode through a descriptor of the very file, since chmod(2) would follow a link. */
function applyToFolderOrNode(folder: number, name: ByteString, entry: TarEntry, options: WriteOptions): void {
  const only = entry.type === 'directory' ? O_DIRECTORY : 0;
  const fd = fs.openSync(inFolder(folder, name), O_PATH | O_NOFOLLOW | only);
  try {
    const stat = fs.fstatSync(fd);
    if (stat.isSymbolicLink() || stat.isFile()) throw invalid(`${quoted(entry.name)} was replaced while it was made`);
    const { uid, gid } = options.owner ?? entry;
    const place = `/proc/self/fd/${fd}`;
    fs.chownSync(place, uid, gid);
    fs.chmodSync(place, entry.mode);
  } finally {
    fs.closeSync(fd);
  }
  applyXattrs(inFolder(folder, name), entry.xattrs, new Set());
  if (entry.type !== 'directory') setTimes(inFolder(folder, name), entry.mtime);
}

/** None of these calls follows a link. */
function applyToName(folder: number, name: ByteString, entry: TarEntry, options: WriteOptions): void {
  const { uid, gid } = options.owner ?? entry;
  const path = inFolder(folder, name);
  fs.lchownSync(path, uid, gid);
  applyXattrs(path, entry.xattrs, new Set());
  setTimes(path, entry.mtime);
}

/** A second name of a file of the archive, or of one that is in the folder already. */
function link(state: State, folder: number, name: ByteString, entry: TarEntry): void {
  const parts = archiveParts(entry.linkName, state.options.path);
  const target = parts.pop();
  if (target === undefined) throw invalid(`bad archive: ${quoted(entry.name)} links to a folder`);
  const base = [state.options.path, ...parts].join('/');
  const from = openPlace(state.root, base, { follow: true, folder: true });
  try {
    fs.linkSync(inFolder(from, target), inFolder(folder, name));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw invalid(`bad archive: ${quoted(entry.name)} links to ${quoted(entry.linkName)}, which is not there`);
  } finally {
    fs.closeSync(from);
  }
}
