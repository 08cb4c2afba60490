import { isUtf8 } from 'node:buffer';
import { badArchive, type SparseSegment, type TarEntry, type TarEntryType } from './entry.ts';
import type { TarHeader } from './header.ts';
import { type PaxRecord, parsePaxNumber, parsePaxTime } from './pax.ts';
import { parsePaxSparseMap } from './sparse.ts';

/** Names and link targets longer than this are refused: no file system takes them. */
export const longestName = 64 * 1024;

const xattrPrefix = 'SCHILY.xattr.';
const none: ReadonlyMap<string, Buffer> = new Map();

/** What the extension headers before an entry said about it. */
export interface Extensions {
  /** Global records, then the entry's own: later ones win. */
  readonly records: readonly PaxRecord[];
  /** From GNU's `L` and `K` headers. */
  readonly longName: Buffer | undefined;
  readonly longLink: Buffer | undefined;
}

/** An entry, and how its sparse map is to be read on. */
export interface Described {
  readonly entry: TarEntry;
  /** True when the map (PAX sparse format 1.0) stands before the data. */
  readonly mapInData: boolean;
}

/**
 * Puts a header and the extensions before it together.
 * @throws invalid `bad-archive` for malformed values.
 */
export function describeEntry(
  header: TarHeader,
  type: TarEntryType,
  extensions: Extensions,
  offset: number,
): Described {
  const pax = latestValues(extensions.records);
  const text = (key: string): string | undefined => pax.get(key)?.toString();
  const number = (key: string): number | undefined => paxValue(text(key), parsePaxNumber, key, offset);
  const time = (key: string): bigint | undefined => paxValue(text(key), parsePaxTime, key, offset);
  const sparse = sparseAttributes(extensions.records, pax, number, offset);
  const name = extensions.longName ?? pax.get('GNU.sparse.name') ?? pax.get('path') ?? header.name;
  const linkName = extensions.longLink ?? pax.get('linkpath') ?? header.linkName;
  for (const bytes of [name, linkName]) {
    if (bytes.length > longestName) throw badArchive(`a name of more than ${longestName} bytes`, offset);
    const isCut = bytes === header.name || bytes === header.linkName; // at the first NUL
    if (!isCut && bytes.includes(0)) throw badArchive('a name with a NUL in it', offset);
  }
  const storedSize = type === 'file' ? (number('size') ?? header.size) : 0;
  if (storedSize < 0) throw badArchive('negative size', offset);
  return {
    mapInData: sparse.mapInData && type === 'file',
    entry: {
      name,
      path: isUtf8(name) ? name.toString() : undefined,
      type,
      mode: header.mode,
      uid: number('uid') ?? header.uid,
      gid: number('gid') ?? header.gid,
      userName: text('uname') ?? header.userName,
      groupName: text('gname') ?? header.groupName,
      size: type === 'file' ? (sparse.size ?? storedSize) : 0,
      storedSize,
      sparse: type === 'file' ? sparse.map : undefined,
      mtime: time('mtime') ?? BigInt(header.mtime) * 1_000_000_000n,
      atime: time('atime'),
      ctime: time('ctime'),
      linkName,
      linkPath: linkName.length === 0 ? '' : isUtf8(linkName) ? linkName.toString() : undefined,
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: xattrsOf(pax),
      offset,
    },
  };
}

/** The last value of each key. An empty value takes back an earlier one (POSIX pax), but is a value for an xattr. */
function latestValues(records: readonly PaxRecord[]): ReadonlyMap<string, Buffer> {
  if (records.length === 0) return none;
  const latest = new Map<string, Buffer>();
  for (const { key, value } of records) {
    if (value.length === 0 && !key.startsWith(xattrPrefix)) latest.delete(key);
    else latest.set(key, value);
  }
  return latest;
}

function paxValue<T>(
  text: string | undefined,
  parse: (text: string) => T | undefined,
  key: string,
  offset: number,
): T | undefined {
  if (text === undefined) return undefined;
  const value = parse(text);
  if (value === undefined) throw badArchive(`malformed ${key} in an extended header`, offset);
  return value;
}

function sparseAttributes(
  records: readonly PaxRecord[],
  pax: ReadonlyMap<string, Buffer>,
  number: (key: string) => number | undefined,
  offset: number,
): { size: number | undefined; map: SparseSegment[] | undefined; mapInData: boolean } {
  const size = number('GNU.sparse.realsize') ?? number('GNU.sparse.size');
  if (size !== undefined && size < 0) throw badArchive('negative size', offset);
  if (pax.has('GNU.sparse.major')) {
    const version = `${number('GNU.sparse.major')}.${number('GNU.sparse.minor') ?? 0}`;
    if (version === '1.0') return { size, map: undefined, mapInData: true };
    if (version !== '0.0' && version !== '0.1') throw badArchive(`unknown sparse format ${version}`, offset);
  }
  const map = size === undefined ? undefined : parsePaxSparseMap(records, offset);
  return { size: map === undefined ? undefined : size, map, mapInData: false };
}

function xattrsOf(pax: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Buffer> {
  if (pax.size === 0) return none;
  const xattrs = new Map<string, Buffer>();
  for (const [key, value] of pax) if (key.startsWith(xattrPrefix)) xattrs.set(key.slice(xattrPrefix.length), value);
  return xattrs;
}
