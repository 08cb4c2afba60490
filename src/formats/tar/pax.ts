import { badArchive } from './entry.ts';

/** One keyword of an extended header. Keywords may come more than once (GNU sparse 0.0), so the order is kept. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Buffer;
}

const space = 0x20;
const newline = 0x0a;
const equals = 0x3d;

/**
 * Parses the body of an extended header: `LENGTH KEY=VALUE\n`, where LENGTH counts the whole record (POSIX pax,
 * "pax Extended Header"). Values are bytes.
 * @throws invalid `bad-archive`; `offset` is where the body begins in the archive.
 */
export function parsePaxRecords(body: Buffer, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  // Some writers fill the last block with NULs and count them in the size.
  while (at < body.length && body[at] !== 0) {
    const blank = body.indexOf(space, at);
    const digits = blank < 0 || blank - at > 10 ? '' : body.toString('latin1', at, blank);
    const end = at + Number(digits);
    const middle = body.indexOf(equals, blank);
    if (!/^[0-9]+$/.test(digits) || end > body.length || end <= blank + 1 || body[end - 1] !== newline) {
      throw badArchive('malformed record in an extended header', offset + at);
    }
    if (middle <= blank + 1 || middle >= end) throw badArchive('extended header record without a key', offset + at);
    records.push({
      key: body.toString('utf8', blank + 1, middle),
      value: Buffer.from(body.subarray(middle + 1, end - 1)),
    });
    at = end;
  }
  return records;
}

/** The body of an extended header with these records, in this order. */
export function formatPaxRecords(records: readonly PaxRecord[]): Buffer {
  return Buffer.concat(
    records.flatMap(({ key, value }) => {
      const rest = Buffer.byteLength(key) + value.length + 3; // blank, equals sign, newline
      let length = rest + 1;
      while (String(length).length + rest !== length) length = String(length).length + rest;
      return [Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')];
    }),
  );
}

/** Decimal seconds with a fraction (`1700000000.25`, `-1.5`) to nanoseconds; undefined for what is no such number. */
export function parsePaxTime(text: string): bigint | undefined {
  const match = /^(-?)([0-9]{1,18})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, seconds = '0', fraction = ''] = match;
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return sign === '-' ? -nanoseconds : nanoseconds;
}

export function formatPaxTime(nanoseconds: bigint): string {
  const sign = nanoseconds < 0n ? '-' : '';
  const value = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  const fraction = (value % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${value / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}

/** A decimal number of a record; undefined for what is none or is beyond 2^53. */
export function parsePaxNumber(text: string): number | undefined {
  const number = /^-?[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}
