import { invalid } from '../base/errors.ts';

/** Nanoseconds per unit, in the spelling of Go's `time.ParseDuration`. */
const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1000n],
  ['µs', 1000n],
  ['μs', 1000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const second = 1_000_000_000n;
const longest = 2n ** 63n - 1n;

/**
 * Parses a duration as Go writes it (`1m30s`, `1.5h`, `-10ms`, `0`) to nanoseconds.
 * @throws invalid in Go's words: `time: invalid duration "x"`, `time: missing unit in duration "10"`,
 * `time: unknown unit "d" in duration "1d"`.
 */
export function parseDuration(text: string): bigint {
  const quoted = JSON.stringify(text);
  const negative = text.startsWith('-');
  let rest = text.replace(/^[-+]/, '');
  if (rest === '0') return 0n;
  if (rest === '') throw invalid(`time: invalid duration ${quoted}`);
  let total = 0n;
  while (rest !== '') {
    const match = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest);
    const [number = '', whole = '', fraction = ''] = match ?? [];
    if (whole === '' && fraction === '') throw invalid(`time: invalid duration ${quoted}`);
    const name = /^[^0-9.]*/.exec(rest.slice(number.length))![0];
    if (name === '') throw invalid(`time: missing unit in duration ${quoted}`);
    const unit = units.get(name);
    if (unit === undefined) throw invalid(`time: unknown unit ${JSON.stringify(name)} in duration ${quoted}`);
    total += BigInt(whole || '0') * unit + (BigInt(fraction || '0') * unit) / 10n ** BigInt(fraction.length);
    if (total > longest) throw invalid(`time: invalid duration ${quoted}`);
    rest = rest.slice(number.length + name.length);
  }
  return negative ? -total : total;
}

/** Formats nanoseconds as Go does: `1m30s`, `1h0m0s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${formatDuration(-nanoseconds)}`;
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < second) {
    const [unit, size] =
      nanoseconds < 1000n ? ['ns', 1n] : nanoseconds < 1_000_000n ? ['µs', 1000n] : ['ms', 1_000_000n];
    return `${decimal(nanoseconds, size as bigint)}${unit}`;
  }
  const minutes = nanoseconds / (60n * second);
  const seconds = `${decimal(nanoseconds % (60n * second), second)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** `value / size` with as many decimals as it needs; `size` is a power of ten. */
function decimal(value: bigint, size: bigint): string {
  const fraction = (value % size)
    .toString()
    .padStart(size.toString().length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' || size === 1n ? `${value / size}` : `${value / size}.${fraction}`;
}

/** A duration in nanoseconds as `docker ps` tells it: `Less than a second`, `5 seconds`, `About a minute`, `3 hours`. */
export function humanDuration(nanoseconds: bigint | number): string {
  const seconds = Math.trunc(Number(nanoseconds) / 1e9);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const exactHours = Number(nanoseconds) / 3.6e12;
  const hours = Math.trunc(exactHours + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(Math.trunc(exactHours) / 24 / 365)} years`;
}
