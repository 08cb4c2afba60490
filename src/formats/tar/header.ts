import { badArchive, blockSize, nothing, type TarEntryType } from './entry.ts';
import { parseNumber, writeOctal } from './numbers.ts';

/**
 * One header block as it stands (POSIX ustar, and GNU's variant of it). Byte places: name 0, mode 100, uid 108,
 * gid 116, size 124, mtime 136, checksum 148, type 156, link name 157, magic 257, user 265, group 297, device 329
 * and 337, prefix 345.
 */
export interface TarHeader {
  readonly name: Buffer;
  /** The type's character as it stands: `0`, `L`, `x`, ... */
  readonly flag: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  readonly linkName: Buffer;
  readonly userName: string;
  readonly groupName: string;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

const typeFlags: Readonly<Record<TarEntryType, string>> = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
};
const entryTypes = new Map<string, TarEntryType>([
  ...Object.entries(typeFlags).map(([type, flag]): [string, TarEntryType] => [flag, type as TarEntryType]),
  ['\0', 'file'],
  ['7', 'file'], // contiguous
  ['S', 'file'], // old GNU sparse
  ['D', 'directory'], // GNU dump directory
]);
const slash = 0x2f;

/** What kind of file a header's type stands for; undefined for extension headers and unknown ones. */
export function entryTypeOf(header: TarHeader): TarEntryType | undefined {
  if (header.flag === '\0' && header.name.at(-1) === slash) return 'directory';
  return entryTypes.get(header.flag);
}

export function flagOf(type: TarEntryType): string {
  return typeFlags[type];
}

/**
 * Parses a block of 512 bytes. `offset`, the block's place in the archive, is for messages.
 * @throws invalid `bad-archive` for a wrong checksum or a malformed number.
 */
export function parseHeader(block: Buffer, offset: number): TarHeader {
  const number = (start: number, length: number, what: string): number => {
    const value = parseNumber(block, start, length);
    if (value === undefined) throw badArchive(`malformed ${what} in a header`, offset);
    return value;
  };
  const checksum = number(148, 8, 'checksum');
  if (checksum !== unsignedChecksum(block) && checksum !== signedChecksum(block)) {
    throw badArchive('header checksum does not match', offset);
  }
  const magic = block.toString('latin1', 257, 265);
  const isUstar = magic.startsWith('ustar');
  const size = number(124, 12, 'size');
  if (size < 0) throw badArchive('negative size', offset);
  return {
    name: fullName(block, magic === 'ustar\0' + '00'),
    flag: String.fromCharCode(block[156]!),
    mode: number(100, 8, 'mode') & 0o7777,
    uid: number(108, 8, 'uid'),
    gid: number(116, 8, 'gid'),
    size,
    mtime: number(136, 12, 'mtime'),
    linkName: field(block, 157, 100),
    userName: isUstar ? textField(block, 265, 32) : '',
    groupName: isUstar ? textField(block, 297, 32) : '',
    deviceMajor: isUstar ? number(329, 8, 'device number') : 0,
    deviceMinor: isUstar ? number(337, 8, 'device number') : 0,
  };
}

/** Formats a ustar block. The caller has seen to it that everything fits. */
export function formatHeader(header: TarHeader, prefix: Buffer = nothing): Buffer {
  const block = Buffer.alloc(blockSize);
  block.set(header.name, 0);
  writeOctal(block, header.mode, 100, 8);
  writeOctal(block, header.uid, 108, 8);
  writeOctal(block, header.gid, 116, 8);
  writeOctal(block, header.size, 124, 12);
  writeOctal(block, header.mtime, 136, 12);
  block.write(header.flag, 156, 'latin1');
  block.set(header.linkName, 157);
  block.write('ustar\0' + '00', 257, 'latin1');
  block.write(header.userName, 265);
  block.write(header.groupName, 297);
  writeOctal(block, header.deviceMajor, 329, 8);
  writeOctal(block, header.deviceMinor, 337, 8);
  block.set(prefix, 345);
  block.write(`${unsignedChecksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

export function isZeroBlock(block: Buffer): boolean {
  for (let at = 0; at < blockSize; at += 1) if (block[at] !== 0) return false;
  return true;
}

/** A copy of a field's bytes up to its first NUL. */
function field(block: Buffer, start: number, length: number): Buffer {
  const end = endOfField(block, start, length);
  if (end === start) return nothing;
  const copy = Buffer.allocUnsafe(end - start);
  block.copy(copy, 0, start, end);
  return copy;
}

function textField(block: Buffer, start: number, length: number): string {
  const end = endOfField(block, start, length);
  return end === start ? '' : block.toString('utf8', start, end);
}

/** Looked for byte by byte: a view to search in would cost more than the search. */
function endOfField(block: Buffer, start: number, length: number): number {
  let at = start;
  while (at < start + length && block[at] !== 0) at += 1;
  return at;
}

function fullName(block: Buffer, hasPrefix: boolean): Buffer {
  const name = field(block, 0, 100);
  const prefix = hasPrefix ? field(block, 345, 155) : nothing;
  return prefix.length === 0 ? name : Buffer.concat([prefix, Buffer.from('/'), name]);
}

/** The sum of all bytes, with the checksum's own as blanks. */
function unsignedChecksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < 148; at += 1) sum += block[at]!;
  for (let at = 156; at < blockSize; at += 1) sum += block[at]!;
  return sum;
}

/** As some old writers counted it. */
function signedChecksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockSize; at += 1) if (at < 148 || at >= 156) sum += (block[at]! << 24) >> 24;
  return sum;
}
