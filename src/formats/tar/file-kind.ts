import type { BigIntStats } from 'node:fs';
import type { TarEntryType } from './entry.ts';

/** The type of the entry for a file; undefined for a socket, which an archive cannot hold. */
export function entryTypeOf(stat: BigIntStats): TarEntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character-device';
  if (stat.isBlockDevice()) return 'block-device';
  return stat.isFIFO() ? 'fifo' : undefined;
}

/** A device's number as makedev(3) put it together. */
export function deviceNumbers(device: bigint): { deviceMajor: number; deviceMinor: number } {
  const deviceMajor = Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn));
  const deviceMinor = Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n));
  return { deviceMajor, deviceMinor };
}
