import { invalid } from '../base/errors.ts';

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];
const prefixes = 'kmgtp';

/**
 * Parses a size as `--memory`, `--shm-size` and their like take it: `512m`, `1.5g`, `1 KiB`, `1kB`, `4096`. The
 * units are powers of 1024 however they are spelled. Whole bytes, rounded down.
 * @throws invalid `invalid size: 'X'` or `invalid suffix: 'X'`.
 */
export function parseBytes(text: string): number {
  return parseSize(text, 1024);
}

/** As `parseBytes` with powers of 1000. */
export function parseDecimalBytes(text: string): number {
  return parseSize(text, 1000);
}

/** As `parseBytes`, and `-1` for no limit, as `--memory-swap` takes it. */
export function parseMemorySwap(text: string): number {
  return text === '-1' ? -1 : parseBytes(text);
}

function parseSize(text: string, base: number): number {
  const match = /^([0-9]*\.?[0-9]*) ?([^0-9. ]*)$/.exec(text);
  const digits = match?.[1] ?? '';
  const suffix = (match?.[2] ?? '').toLowerCase();
  if (match === null || !/[0-9]/.test(digits)) throw invalid(`invalid size: '${text}'`);
  const size = Math.trunc(Number(digits) * unitOf(suffix, base));
  if (!Number.isSafeInteger(size)) throw invalid(`invalid size: '${text}'`);
  return size;
}

function unitOf(suffix: string, base: number): number {
  if (suffix === '' || suffix === 'b') return 1;
  const power = prefixes.indexOf(suffix[0]!) + 1;
  if (power === 0 || !['', 'b', 'ib'].includes(suffix.slice(1))) throw invalid(`invalid suffix: '${suffix}'`);
  return base ** power;
}

/** Decimal units and at most `digits` significant digits: `4.43MB`, `1.24kB`, `0B`. Docker shows 3 or 4 digits. */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, decimalUnits, digits);
}

/** Binary units and at most 4 significant digits: `512MiB`, `1.5GiB`. */
export function bytesSize(bytes: number): string {
  return scaled(bytes, 1024, binaryUnits, 4);
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let size = bytes;
  let unit = 0;
  while (unit < units.length - 1 && (size >= base || Number(size.toPrecision(digits)) >= 10 ** digits)) {
    size /= base;
    unit += 1;
  }
  return `${Number(size.toPrecision(digits))}${units[unit]}`;
}
