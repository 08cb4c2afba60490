import type { LogRecord } from '../../../../logs/contract.ts';

const NEWLINE = 10;
const SPACE = 32;
const [LETTER_O, LETTER_P] = [0x6f, 0x50];

/**
 * conmon's `k8s-file`: `TIME STREAM TAG TEXT\n` with TIME in RFC 3339 with nanoseconds and a numeric zone,
 * STREAM `stdout` or `stderr`, and TAG `F` for text that a newline ended, `P` for text without one. Only whole
 * records are parsed; a line that is no record is skipped. The records' data are views of `chunk` where
 * the bytes can stay in place: the newline that ended a line is the one that ends the record.
 */
export function parseLog(chunk: Uint8Array): { records: LogRecord[]; consumed: number } {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const records: LogRecord[] = [];
  const clock = openClock();
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end === -1) return { records, consumed: start };
    const stamp = bytes.indexOf(SPACE, start);
    // " stdout F " and " stderr P " are ten bytes each
    const text = stamp + 10;
    if (stamp !== -1 && text <= end && bytes[text - 1] === SPACE) {
      const time = clock(bytes, start, stamp);
      const partial = bytes[text - 2] === LETTER_P;
      // the fourth letter tells stdout from stderr
      const stream = bytes[stamp + 4] === LETTER_O ? 'stdout' : 'stderr';
      if (time !== undefined)
        records.push({ time, stream, partial, data: bytes.subarray(text, partial ? end : end + 1) });
    }
    start = end + 1;
  }
}

/** Reads timestamps, remembering the last minute's: a log has many records within one. */
function openClock(): (bytes: Buffer, start: number, end: number) => bigint | undefined {
  let minute = '';
  let zone = '';
  let base = 0n;
  return (bytes, start, end) => {
    const stamp = bytes.toString('latin1', start, end);
    if (stamp.length < 29) return undefined;
    if (minute === '' || !stamp.startsWith(minute) || stamp.length !== 29 + zone.length || !stamp.endsWith(zone)) {
      minute = stamp.slice(0, 16);
      zone = stamp.slice(29);
      const milliseconds = Date.parse(`${minute}:00${zone}`);
      if (Number.isNaN(milliseconds)) {
        minute = '';
        return undefined;
      }
      base = BigInt(milliseconds) * 1_000_000n;
    }
    // seconds and nanoseconds: "05.123456789"
    const since = Number(stamp.slice(17, 19)) * 1_000_000_000 + Number(stamp.slice(20, 29));
    return Number.isNaN(since) ? undefined : base + BigInt(since);
  };
}
