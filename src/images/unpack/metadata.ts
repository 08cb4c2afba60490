import * as fs from 'node:fs';
import { errnoOf } from '../../base/errors.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { setTimes } from '../../host/file-times.ts';
import { getXattr, listXattrs, setXattr } from '../../host/xattr.ts';

/** What a folder, or any other file, has beside its content. */
export interface Metadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
  readonly xattrs: ReadonlyMap<string, Buffer>;
}

/** Names of attributes that the file system below does not keep; the unpacking goes on, as Docker's does. */
export type LostXattrs = Set<string>;

export function metadataOf(entry: TarEntry): Metadata {
  const { mode, uid, gid, mtime, xattrs } = entry;
  return { mode, uid, gid, mtime, xattrs };
}

/** What a folder on disk has. */
export function readMetadata(path: string | Buffer): Metadata {
  const stat = fs.lstatSync(path, { bigint: true });
  const xattrs = new Map<string, Buffer>();
  for (const name of listXattrs(path)) {
    const value = isOverlayXattr(name) ? undefined : getXattr(path, name);
    if (value) xattrs.set(name, value);
  }
  const { uid, gid, mode, mtimeNs } = stat;
  return { mode: Number(mode) & 0o7777, uid: Number(uid), gid: Number(gid), mtime: mtimeNs, xattrs };
}

/** Sets all of it on a folder or a device. The owner comes first, since changing it takes set-id bits away. */
export function applyMetadata(path: string | Buffer, metadata: Metadata, lost: LostXattrs): void {
  fs.lchownSync(path, metadata.uid, metadata.gid);
  fs.chmodSync(path, metadata.mode);
  applyXattrs(path, metadata.xattrs, lost);
  setTimes(path, metadata.mtime);
}

/** As `applyMetadata` for a symbolic link, which has no mode. */
export function applyLinkMetadata(path: string | Buffer, metadata: Metadata, lost: LostXattrs): void {
  if (metadata.uid !== 0 || metadata.gid !== 0) fs.lchownSync(path, metadata.uid, metadata.gid);
  applyXattrs(path, metadata.xattrs, lost);
  setTimes(path, metadata.mtime);
}

/** Sets attributes. overlayfs's own are left out: a layer that brings them could redirect a folder anywhere. */
export function applyXattrs(path: string | Buffer, xattrs: ReadonlyMap<string, Buffer>, lost: LostXattrs): void {
  for (const [name, value] of xattrs) {
    if (isOverlayXattr(name)) continue;
    try {
      setXattr(path, name, value);
    } catch (error) {
      if (errnoOf(error) !== 'EOPNOTSUPP' && errnoOf(error) !== 'ENOTSUP') throw error;
      lost.add(name);
    }
  }
}

function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.');
}
