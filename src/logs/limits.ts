import { invalid } from '../base/errors.ts';
import { parseBytes } from '../formats/bytes.ts';

/** How much of a log is kept. */
export interface Limits {
  /** Bytes of a file after which the next is begun; infinite for no bound. */
  readonly maxSize: number;
  /** How many files, the one that is written included. */
  readonly maxFile: number;
  /** Keep the older ones with gzip. */
  readonly compress: boolean;
}

export const limitOptions = ['max-size', 'max-file', 'compress'];

export const defaultLimits = { maxSize: 10 * 1024 * 1024, maxFile: 5 };

/**
 * Reads Docker's options `max-size` (`10m`; `-1` for no bound), `max-file` and `compress`, their names with `prefix`
 * before them. `compress` is the driver's own default. @throws invalid in Docker's words.
 */
export function readLimits(options: Readonly<Record<string, string>>, compress: boolean, prefix = ''): Limits {
  const size = options[`${prefix}max-size`];
  const count = options[`${prefix}max-file`];
  const squeeze = options[`${prefix}compress`];
  const maxSize = size === undefined ? defaultLimits.maxSize : readSize(size, `${prefix}max-size`);
  const maxFile = count === undefined ? defaultLimits.maxFile : readCount(count, `${prefix}max-file`);
  const several = maxFile > 1 && Number.isFinite(maxSize);
  if (squeeze !== undefined && readBoolean(squeeze, `${prefix}compress`) && !several)
    throw invalid('compress cannot be true when max-file is less than 2 or max-size is not set');
  return {
    maxSize,
    maxFile,
    compress: several && (squeeze === undefined ? compress : readBoolean(squeeze, 'compress')),
  };
}

function readSize(text: string, name: string): number {
  if (text === '-1') return Number.POSITIVE_INFINITY;
  const bytes = parseBytes(text);
  if (bytes <= 0) throw invalid(`${name} must be a positive number`);
  return bytes;
}

function readCount(text: string, name: string): number {
  if (!/^[+-]?\d+$/.test(text))
    throw invalid(`invalid value for ${name}: strconv.Atoi: parsing "${text}": invalid syntax`);
  const count = Number(text);
  if (count < 1) throw invalid(`${name} cannot be less than 1`);
  return count;
}

/** As Go's strconv.ParseBool. @throws invalid. */
export function readBoolean(text: string, name: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw invalid(`invalid value for ${name}: strconv.ParseBool: parsing "${text}": invalid syntax`);
}
