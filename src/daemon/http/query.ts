import { invalid } from '../../base/errors.ts';
import { parseUnixTimestamp } from '../../formats/timestamp.ts';

/** The query of a request, read with the rules of Docker's engine. */
export interface Query {
  /** The first value, or undefined when the key is absent or empty. */
  text(key: string): string | undefined;
  /** The first value's bytes, which need not be UTF-8, or undefined when the key is absent or empty. */
  bytes(key: string): Buffer | undefined;
  all(key: string): string[];
  has(key: string): boolean;
  /** False for absent, "", "0", "no", "false" and "none" in any case; true for anything else. */
  boolean(key: string, absent?: boolean): boolean;
  /** @throws invalid for anything but a whole number. */
  integer(key: string): number | undefined;
  /** Seconds or seconds.fraction of Unix time, as nanoseconds. @throws invalid for anything else. */
  timestamp(key: string): bigint | undefined;
  /** `filters`: `{"key": ["value"]}`, or the older `{"key": {"value": true}}`. @throws invalid for anything else. */
  filters(): Record<string, string[]>;
}

/** Parses the part of a URL after the question mark. Values are decoded once, when the first one is asked for. */
export function parseQuery(search: string): Query {
  let parsed: URLSearchParams | undefined;
  const get = (): URLSearchParams => {
    parsed ??= new URLSearchParams(search);
    return parsed;
  };
  const text = (key: string): string | undefined => (search === '' ? undefined : get().get(key) || undefined);
  return {
    text,
    bytes: (key) => rawValue(search, key),
    all: (key) => get().getAll(key),
    has: (key) => search !== '' && get().has(key),
    boolean(key, absent = false) {
      if (search === '' || !get().has(key)) return absent;
      return !falseWords.has((get().get(key) ?? '').trim().toLowerCase());
    },
    integer(key) {
      const value = text(key);
      return value === undefined ? undefined : parseInteger(key, value);
    },
    timestamp(key) {
      const value = text(key);
      return value === undefined ? undefined : parseTimestamp(key, value);
    },
    filters() {
      const value = text('filters');
      return value === undefined ? {} : parseFilters(value);
    },
  };
}

/** URLSearchParams would put U+FFFD in the place of what is no UTF-8. */
function rawValue(search: string, key: string): Buffer | undefined {
  for (const pair of search.split('&')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || decode(pair.slice(0, equals)).toString() !== key) continue;
    const value = decode(pair.slice(equals + 1));
    return value.length === 0 ? undefined : value;
  }
  return undefined;
}

/** The percent-encoding of forms (WHATWG URL standard, 5.1). */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text.replaceAll('+', ' '));
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1, length += 1) {
    const hex = bytes[at] === 0x25 ? bytes.toString('latin1', at + 1, at + 3) : '';
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes[length] = Number.parseInt(hex, 16);
      at += 2;
    } else bytes[length] = bytes[at]!;
  }
  return bytes.subarray(0, length);
}

const falseWords = new Set(['', '0', 'no', 'false', 'none']);

function parseInteger(key: string, value: string): number {
  const number = Number(value);
  if (!/^[+-]?\d+$/.test(value) || !Number.isSafeInteger(number)) {
    throw invalid(`invalid value for query parameter ${key}: ${quote(value)} is not a whole number`);
  }
  return number;
}

function parseTimestamp(key: string, value: string): bigint {
  const time = parseUnixTimestamp(value);
  if (time === undefined)
    throw invalid(`invalid value for query parameter ${key}: ${quote(value)} is not a Unix timestamp`);
  return time;
}

function parseFilters(value: string): Record<string, string[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch (cause) {
    throw invalid('invalid filter: filters must be a JSON object of lists', { cause });
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw invalid('invalid filter: filters must be a JSON object of lists');
  }
  const filters: Record<string, string[]> = {};
  for (const [key, given] of Object.entries(parsed)) {
    const list: unknown = isFlags(given) ? Object.keys(given).filter((name) => given[name]) : (given ?? []);
    if (!Array.isArray(list) || list.some((item) => typeof item !== 'string')) {
      throw invalid(`invalid filter: the values of ${quote(key)} must be a list of strings`);
    }
    filters[key] = list as string[];
  }
  return filters;
}

function isFlags(value: unknown): value is Record<string, boolean> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'boolean');
}

/** A value in quotes for a message, cut where it is long. */
function quote(value: string): string {
  return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}...` : value);
}
