import { invalid, type TugError } from '../../base/errors.ts';

export const blockSize = 512;

/** No bytes; one for all, since entries have many empty fields. */
export const nothing: Buffer = Buffer.alloc(0);

export type TarEntryType =
  | 'file'
  | 'hard-link'
  | 'symlink'
  | 'character-device'
  | 'block-device'
  | 'directory'
  | 'fifo';

/** A stretch of a sparse file that holds data; what lies between is a hole. */
export interface SparseSegment {
  readonly offset: number;
  readonly length: number;
}

/** What an archive says about one entry, whatever dialect said it. */
export interface TarEntry {
  /** The name's bytes as they stand in the archive, at most 64 KiB. */
  readonly name: Buffer;
  /** The name as text, or undefined when it is not UTF-8. */
  readonly path: string | undefined;
  readonly type: TarEntryType;
  /** Permission bits, set-id and sticky bits: 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly userName: string;
  readonly groupName: string;
  /** The file's size in bytes, holes included; 0 for anything but a file. */
  readonly size: number;
  /** How many bytes of data follow; less than `size` for a sparse file. */
  readonly storedSize: number;
  /** Where the stored data belongs, in order; undefined for a file that is stored whole. */
  readonly sparse: readonly SparseSegment[] | undefined;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
  readonly atime: bigint | undefined;
  readonly ctime: bigint | undefined;
  /** Target of a link, as bytes; empty for other types. */
  readonly linkName: Buffer;
  /** The target as text, or undefined when it is not UTF-8. */
  readonly linkPath: string | undefined;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** Extended attributes, by their full name (`security.capability`). */
  readonly xattrs: ReadonlyMap<string, Buffer>;
  /** Where the entry's (last) header block begins in the archive, in bytes. */
  readonly offset: number;
}

/** The error for an archive that cannot be read on; `offset` is the byte in the (unpacked) archive. */
export function badArchive(message: string, offset: number): TugError {
  return invalid(`bad archive: ${message} (at byte ${offset})`, { code: 'bad-archive', details: { offset } });
}

/** Zeros that fill the last block of `size` bytes of data. */
export function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}
