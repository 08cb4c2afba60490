import { logKinds, type ParsedLog } from '../../../../logs/contract.ts';

const [NEWLINE, SPACE, DOT] = [10, 32, 0x2e];
const [LETTER_O, LETTER_P, LETTER_S, LETTER_T] = [0x6f, 0x50, 0x73, 0x54];
/** `2024-02-29T23:59:59.123456789+00:00`, and with " stdout F " before the text. */
const stampLength = 35;
const headLength = stampLength + 10;

/**
 * conmon's `k8s-file`: `TIME STREAM TAG TEXT\n` with TIME in RFC 3339 with nanoseconds and a numeric zone,
 * STREAM `stdout` or `stderr`, and TAG `F` for text that a newline ended, `P` for text without one. Only whole
 * records are parsed; a line that is no record is skipped. The records stay in place in `chunk`: the newline that
 * ended a line is the one that ends the record.
 */
export function parseLog(chunk: Uint8Array): ParsedLog {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const most = Math.ceil(bytes.length / (headLength + 1));
  const starts = new Uint32Array(most);
  const ends = new Uint32Array(most);
  const kinds = new Uint8Array(most);
  const marks = new Uint32Array(most);
  const clock = openClock(bytes);
  let count = 0;
  let start = 0;
  for (;;) {
    const head = isHead(bytes, start);
    const text = start + headLength;
    const end = head ? newlineFrom(bytes, text) : bytes.indexOf(NEWLINE, start);
    if (end === -1) break;
    if (head) {
      const partial = bytes[text - 2] === LETTER_P;
      // the fourth letter tells stdout from stderr
      const stderr = bytes[start + stampLength + 4] !== LETTER_O;
      starts[count] = text;
      ends[count] = partial ? end : end + 1;
      kinds[count] = (stderr ? logKinds.stderr : 0) + (partial ? logKinds.partial : 0);
      marks[count] = start;
      count += 1;
    }
    start = end + 1;
  }
  return { bytes, count, starts, ends, kinds, marks, timeAt: clock, consumed: start };
}

/** Most lines are short, and a call out of JavaScript costs as much as looking at some forty bytes. */
function newlineFrom(bytes: Buffer, start: number): number {
  const near = Math.min(start + 40, bytes.length);
  for (let at = start; at < near; at += 1) if (bytes[at] === NEWLINE) return at;
  return near === bytes.length ? -1 : bytes.indexOf(NEWLINE, near);
}

/** Looks at the places that never change: `T`, `.`, and what is around the stream and the tag. */
function isHead(bytes: Buffer, start: number): boolean {
  return (
    bytes[start + 10] === LETTER_T &&
    bytes[start + 19] === DOT &&
    bytes[start + stampLength] === SPACE &&
    bytes[start + stampLength + 1] === LETTER_S &&
    bytes[start + headLength - 1] === SPACE
  );
}

/** Reads timestamps, remembering the last one and the last minute's: one read of conmon's gives many records one time. */
function openClock(bytes: Buffer): (start: number) => bigint {
  let last = -1;
  let time = 0n;
  let minute = '';
  let base = 0n;
  return (start) => {
    if (last >= 0 && isSameStamp(bytes, start, last)) return time;
    last = start;
    const stamp = bytes.toString('latin1', start, start + stampLength);
    const key = stamp.slice(0, 16) + stamp.slice(29);
    if (key !== minute) {
      minute = key;
      const milliseconds = Date.parse(`${stamp.slice(0, 16)}:00${stamp.slice(29)}`);
      base = Number.isNaN(milliseconds) ? 0n : BigInt(milliseconds) * 1_000_000n;
    }
    // seconds and nanoseconds: "05.123456789"
    const since = Number(stamp.slice(17, 19)) * 1_000_000_000 + Number(stamp.slice(20, 29));
    time = Number.isNaN(since) ? 0n : base + BigInt(since);
    return time;
  };
}

/** From the end, where they differ first. */
function isSameStamp(bytes: Buffer, one: number, other: number): boolean {
  for (let at = stampLength - 1; at >= 0; at -= 1) if (bytes[one + at] !== bytes[other + at]) return false;
  return true;
}
