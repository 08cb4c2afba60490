import * as fs from 'node:fs';
import { errnoOf, invalid, TugError } from '../../base/errors.ts';
import { type IdMaps, outsideId } from '../../formats/id-maps.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { mountOf, openPlace, quoted, rootPath } from './place.ts';
import { createEntryPlacer } from './place-entry.ts';

export interface WriteOptions {
  /** A folder, as the container names it. */
  readonly path: ByteString;
  /** Refuse to put a folder in a file's place, and the other way round. */
  readonly noOverwriteDirNonDir: boolean;
  /** Who owns what is written; the archive's owners without it. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  /** The container may not write to its own files, only to what is mounted into it. */
  readonly readOnlyRoot: boolean;
  /** The archive is of the root itself, which gets the owner and mode of its entry `.`. */
  readonly ofRoot?: boolean;
}

/** The most entries of one archive. */
const mostEntries = 10_000_000;
const pieceSize = 256 * 1024;

/**
 * Unpacks a plain tar that comes through a pipe into a folder of a container. Blocks the thread. What an entry replaces
 * is removed first; what was written stays when a later entry fails or the archive breaks off, as with Docker.
 * @throws not-found when the folder is not there, invalid when it is none, or for a bad archive, forbidden where
 * nothing may be written, conflict for a mount point in the way.
 */
export function writeFiles(root: number, options: WriteOptions, input: number, maps?: IdMaps): void {
  refuseReadOnly(root, options);
  const placer = createEntryPlacer(
    root,
    maps ? { ...options, owner: options.owner && outside(options.owner, maps) } : options,
  );
  let entries = 0;
  let name: TarEntry['name'] = Buffer.alloc(0);
  const reader = createTarReader({
    entry(entry) {
      entries += 1;
      if (entries > mostEntries) throw invalid(`the archive has more than ${mostEntries} entries`);
      name = entry.name;
      placer.entry(maps ? { ...entry, ...outside(entry, maps) } : entry);
    },
    data: (chunk) => placer.data(chunk),
    end: () => placer.end(),
  });
  try {
    const buffer = Buffer.allocUnsafe(pieceSize);
    for (let got = fs.readSync(input, buffer); got > 0; got = fs.readSync(input, buffer)) {
      reader.feed(buffer.subarray(0, got));
    }
    reader.finish();
    placer.finish();
  } catch (error) {
    throw explain(error, name);
  } finally {
    placer.close();
  }
}

/** The host's ids of an owner, as the container has it. @throws invalid for one whom it does not have. */
function outside({ uid, gid }: { uid: number; gid: number }, maps: IdMaps): { uid: number; gid: number } {
  return { uid: outsideId(maps.uids, uid), gid: outsideId(maps.gids, gid) };
}

/** @throws not-found, invalid, forbidden: see `writeFiles`. */
function refuseReadOnly(root: number, { path, readOnlyRoot }: WriteOptions): void {
  const folder = openPlace(root, path, { follow: true });
  try {
    if (!fs.fstatSync(folder).isDirectory()) throw invalid('extraction point is not a directory');
    const inRoot = mountOf(folder) === mountOf(root);
    if (inRoot && readOnlyRoot) throw readOnly('container rootfs is marked read-only');
    try {
      fs.accessSync(rootPath(folder), fs.constants.W_OK);
    } catch (error) {
      if (errnoOf(error) === 'EROFS')
        throw readOnly(inRoot ? 'container rootfs is marked read-only' : 'mounted volume is marked read-only');
      // anything else is told with the name of what could not be written
    }
  } finally {
    fs.closeSync(folder);
  }
}

const readOnly = (message: string): TugError => new TugError('forbidden', message, { code: 'read-only' });

/** What the kernel refuses is the archive's or the container's fault, but for a full or broken disk. */
function explain(error: unknown, name: Buffer): unknown {
  const errno = errnoOf(error);
  if (errno === undefined || ['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'ENOMEM'].includes(errno)) return error;
  const message = `cannot write ${quoted(name)}: ${words.get(errno) ?? errno}`;
  const options = { code: errno.toLowerCase(), cause: error };
  if (errno === 'EBUSY') return new TugError('conflict', `${message}: something is mounted there`, options);
  if (['EROFS', 'EACCES', 'EPERM'].includes(errno)) return new TugError('forbidden', message, options);
  return invalid(message, options);
}

const words: ReadonlyMap<string, string> = new Map([
  ['EBUSY', 'device or resource busy'],
  ['EROFS', 'read-only file system'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'operation not permitted'],
  ['ENOENT', 'no such file or directory'],
  ['ENOTDIR', 'not a directory'],
  ['ENOTEMPTY', 'directory not empty'],
  ['EEXIST', 'file exists'],
  ['ELOOP', 'too many levels of symbolic links'],
  ['ENAMETOOLONG', 'file name too long'],
  ['EFBIG', 'file too large'],
  ['EXDEV', 'invalid cross-device link'],
]);
