import { invalid } from '../base/errors.ts';
import { parseDuration } from './duration.ts';

const billion = 1_000_000_000n;
const rfc3339 =
  /^(\d{4})-(\d\d)-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(?:([zZ])|([+-])(\d\d):(\d\d))?$/;

export interface TimestampOptions {
  /** What durations count back from, in Unix nanoseconds. */
  readonly now: bigint;
  /** Minutes east of UTC for a time without a zone; this process's own zone by default. */
  readonly zoneMinutes?: number;
}

/**
 * Parses what `--since` and `--until` take, to Unix nanoseconds: a Go duration before `now` (`10m`), an RFC 3339 time
 * down to a bare date, with or without a zone, or Unix seconds with an optional fraction.
 * @throws invalid `failed to parse value as time or duration: "x"`.
 */
export function parseTimestamp(text: string, options: TimestampOptions): bigint {
  const unix = parseUnixTimestamp(text);
  if (unix !== undefined) return unix;
  const match = rfc3339.exec(text);
  if (match !== null) {
    const time = fromParts(match, options);
    if (time !== undefined) return time;
  } else {
    const before = durationOrUndefined(text);
    if (before !== undefined) return options.now - before;
  }
  throw invalid(`failed to parse value as time or duration: ${JSON.stringify(text)}`, { code: 'invalid-timestamp' });
}

/** Unix seconds with an optional fraction, as the API's `since` and `until`, to nanoseconds; undefined for other text. */
export function parseUnixTimestamp(text: string): bigint | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, seconds = '0', fraction = ''] = match;
  const nanoseconds = BigInt(seconds) * billion + BigInt(fraction.padEnd(9, '0'));
  return sign === '-' ? -nanoseconds : nanoseconds;
}

/** Nanoseconds as the API's `since` and `until` want them: `1136073600.000000001`. */
export function formatUnixTimestamp(nanoseconds: bigint): string {
  const seconds = floorSeconds(nanoseconds);
  return `${seconds}.${(nanoseconds - seconds * billion).toString().padStart(9, '0')}`;
}

/**
 * RFC 3339 in UTC: `2006-01-02T15:04:05.12Z`. With `trimmed` the fraction loses its trailing zeros, as Go's
 * RFC3339Nano does; with `fixed` it has always 9 digits, as `docker logs -t` prints it.
 */
export function formatRfc3339Nano(nanoseconds: bigint, style: 'trimmed' | 'fixed' = 'trimmed'): string {
  const seconds = floorSeconds(nanoseconds);
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  const digits = (nanoseconds - seconds * billion).toString().padStart(9, '0');
  if (style === 'fixed') return `${whole}.${digits}Z`;
  const trimmed = digits.replace(/0+$/, '');
  return trimmed === '' ? `${whole}Z` : `${whole}.${trimmed}Z`;
}

/** Parses a whole RFC 3339 time with its zone to Unix nanoseconds. @throws invalid. */
export function parseRfc3339Nano(text: string): bigint {
  const match = rfc3339.exec(text);
  const time = match?.[6] !== undefined && /[zZ]|[+-]\d\d:\d\d$/.test(text) ? fromParts(match, { now: 0n }) : undefined;
  if (time === undefined) throw invalid(`not an RFC 3339 time: ${JSON.stringify(text)}`, { code: 'invalid-timestamp' });
  return time;
}

function floorSeconds(nanoseconds: bigint): bigint {
  const seconds = nanoseconds / billion;
  return nanoseconds < 0n && seconds * billion !== nanoseconds ? seconds - 1n : seconds;
}

function durationOrUndefined(text: string): bigint | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}

/** The time that the groups of `rfc3339` spell, or undefined for one that the calendar does not have. */
function fromParts(match: RegExpExecArray, options: TimestampOptions): bigint | undefined {
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const local = new Date(Date.UTC(2000, month! - 1, day, hour, minute, second));
  local.setUTCFullYear(year!, month! - 1, day);
  const real =
    local.getUTCMonth() + 1 === month && local.getUTCDate() === day && hour! < 24 && minute! < 60 && second! < 60;
  if (!real) return undefined;
  const milliseconds = local.getTime() - zoneOffset(match, local, options) * 60_000;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[7] ?? '').padEnd(9, '0'));
}

/** Minutes east of UTC. */
function zoneOffset(match: RegExpExecArray, local: Date, options: TimestampOptions): number {
  if (match[8] !== undefined) return 0;
  if (match[9] !== undefined) return (match[9] === '-' ? -1 : 1) * (Number(match[10]) * 60 + Number(match[11]));
  return options.zoneMinutes ?? -new Date(local.getTime()).getTimezoneOffset();
}
