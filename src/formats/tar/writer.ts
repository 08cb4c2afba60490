import { invalid } from '../../base/errors.ts';
import { longestName } from './attributes.ts';
import { blockSize, paddingOf, type SparseSegment, type TarEntryType } from './entry.ts';
import { flagOf, formatHeader, type TarHeader } from './header.ts';
import { fitsOctal } from './numbers.ts';
import { formatPaxRecords, formatPaxTime, type PaxRecord } from './pax.ts';
import { formatSparseMap } from './sparse.ts';

/** What is to be written of an entry. Left out means 0, none or empty. */
export interface TarEntryInput {
  readonly name: string | Buffer;
  readonly type: TarEntryType;
  readonly mode: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly userName?: string;
  readonly groupName?: string;
  /** Bytes of data, holes included; counts for files only. */
  readonly size?: number;
  /** For a sparse file: only the data of these segments follows. */
  readonly sparse?: readonly SparseSegment[] | undefined;
  /** Unix nanoseconds; whole seconds need no extended header. */
  readonly mtime?: bigint;
  readonly atime?: bigint | undefined;
  readonly ctime?: bigint | undefined;
  readonly linkName?: string | Buffer;
  readonly deviceMajor?: number;
  readonly deviceMinor?: number;
  readonly xattrs?: ReadonlyMap<string, Uint8Array> | undefined;
}

interface Prepared {
  readonly header: TarHeader;
  readonly prefix: Buffer;
  readonly records: readonly PaxRecord[];
}

const nobody = Buffer.alloc(0);
const nanoseconds = 1_000_000_000n;

/**
 * The blocks that go before an entry's data: a ustar header when everything fits it, else a PAX header and a ustar
 * header. The same input gives the same bytes. Then follow the data (of a sparse file, its segments) and zeros up to
 * `paddingOf` its length; `tarTrailer` ends the archive.
 * @throws invalid for what no archive can hold.
 */
export function formatEntry(input: TarEntryInput): Buffer {
  const map = input.sparse === undefined ? nobody : formatSparseMap(input.sparse, input.size ?? 0);
  const { header, prefix, records } = prepare(input, map.length);
  const main = formatHeader(header, prefix);
  if (records.length === 0) return Buffer.concat([main, map]);
  const body = formatPaxRecords(records);
  const extended = formatHeader({
    ...emptyHeader,
    name: paxName(header.name),
    flag: 'x',
    mode: 0o644,
    size: body.length,
  });
  return Buffer.concat([extended, body, Buffer.alloc(paddingOf(body.length)), main, map]);
}

/** What ends an archive. */
export function tarTrailer(): Buffer {
  return Buffer.alloc(2 * blockSize);
}

const emptyHeader: TarHeader = {
  name: nobody,
  flag: '0',
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  linkName: nobody,
  userName: '',
  groupName: '',
  deviceMajor: 0,
  deviceMinor: 0,
};

function prepare(input: TarEntryInput, mapLength: number): Prepared {
  const records: PaxRecord[] = [];
  const add = (key: string, value: string | Uint8Array): void => void records.push({ key, value: Buffer.from(value) });
  const number = (key: string, value: number, length: number): number => {
    if (!Number.isSafeInteger(value) || value < 0) throw invalid(`${key} ${value} cannot be written to an archive`);
    if (fitsOctal(value, length)) return value;
    add(key, String(value));
    return 0;
  };
  const { name, prefix } = nameFields(input, add);
  const header: TarHeader = {
    name,
    flag: flagOf(input.type),
    mode: input.mode & 0o7777,
    uid: number('uid', input.uid ?? 0, 8),
    gid: number('gid', input.gid ?? 0, 8),
    size: number('size', storedSizeOf(input) + mapLength, 12),
    mtime: timeField(input.mtime ?? 0n, add),
    linkName: linkField(input, add),
    userName: textField('uname', input.userName ?? '', add),
    groupName: textField('gname', input.groupName ?? '', add),
    deviceMajor: deviceField(input.deviceMajor ?? 0),
    deviceMinor: deviceField(input.deviceMinor ?? 0),
  };
  if (input.atime !== undefined) add('atime', formatPaxTime(input.atime));
  if (input.ctime !== undefined) add('ctime', formatPaxTime(input.ctime));
  // In one order, whatever order the file system listed them in.
  for (const key of [...(input.xattrs?.keys() ?? [])].sort()) add(`SCHILY.xattr.${key}`, input.xattrs?.get(key) ?? '');
  return { header, prefix, records };
}

type Add = (key: string, value: string | Uint8Array) => void;

function nameFields(input: TarEntryInput, add: Add): { name: Buffer; prefix: Buffer } {
  const given = Buffer.from(input.name);
  if (given.length === 0 || given.includes(0) || given.length > longestName) {
    throw invalid(`the name ${JSON.stringify(given.subarray(0, 64).toString())} cannot be written to an archive`);
  }
  const whole = input.type === 'directory' && given.at(-1) !== 0x2f ? Buffer.concat([given, Buffer.from('/')]) : given;
  if (input.sparse !== undefined) {
    add('GNU.sparse.major', '1');
    add('GNU.sparse.minor', '0');
    add('GNU.sparse.name', whole);
    add('GNU.sparse.realsize', String(input.size ?? 0));
    return { name: paxName(whole), prefix: nobody };
  }
  const split = splitName(whole);
  if (split !== undefined) return split;
  add('path', whole);
  return { name: whole.subarray(0, 100), prefix: nobody };
}

/** Cut at a slash so that both fields hold it: 155 bytes before, 100 after; undefined when there is no such slash. */
function splitName(whole: Buffer): { name: Buffer; prefix: Buffer } | undefined {
  if (whole.length <= 100) return { name: whole, prefix: nobody };
  const slash = whole.indexOf(0x2f, whole.length - 101);
  if (slash <= 0 || slash > 155 || slash === whole.length - 1) return undefined;
  return { name: whole.subarray(slash + 1), prefix: whole.subarray(0, slash) };
}

function linkField(input: TarEntryInput, add: Add): Buffer {
  const target = Buffer.from(input.linkName ?? '');
  if (target.length > longestName || target.includes(0)) throw invalid('a link target cannot be written to an archive');
  if (target.length > 100) add('linkpath', target);
  return target.subarray(0, 100);
}

function storedSizeOf(input: TarEntryInput): number {
  if (input.type !== 'file') return 0;
  return input.sparse?.reduce((sum, segment) => sum + segment.length, 0) ?? input.size ?? 0;
}

function timeField(time: bigint, add: Add): number {
  const seconds = Number(time / nanoseconds);
  if (time >= 0n && time % nanoseconds === 0n && fitsOctal(seconds, 12)) return seconds;
  add('mtime', formatPaxTime(time));
  return fitsOctal(seconds, 12) ? seconds : 0;
}

/** With room for the NUL that some readers want. */
function textField(key: string, text: string, add: Add): string {
  if (Buffer.byteLength(text) <= 31) return text;
  add(key, text);
  return '';
}

function deviceField(value: number): number {
  if (!fitsOctal(value, 8)) throw invalid(`device number ${value} cannot be written to an archive`);
  return value;
}

/** A name for a PAX header, made of the entry's own; readers do not use it. */
function paxName(name: Buffer): Buffer {
  const base = name.subarray(name.lastIndexOf(0x2f, -2) + 1, name.at(-1) === 0x2f ? -1 : undefined);
  return Buffer.concat([Buffer.from('PaxHeaders.0/'), base]).subarray(0, 100);
}
