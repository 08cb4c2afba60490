import { logKinds, type ParsedLog } from './contract.ts';

const [NEWLINE, BACKSLASH, LETTER_N] = [10, 0x5c, 0x6e];
const head = Buffer.from('{"log":"');
const stream = Buffer.from('","stream":"std');
/** The shortest line that is a record. */
const shortest = '{"log":"","stream":"stdout","time":"2024-02-29T12:00:00Z"}'.length;

/**
 * Parses Docker's json-file. The text is decoded in place, where it is never longer than its escaped form; a line that
 * is no record is skipped. A record whose text does not end with a newline is a piece.
 */
export function parseJsonLog(chunk: Uint8Array): ParsedLog {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const most = Math.ceil(bytes.length / shortest);
  const starts = new Uint32Array(most);
  const ends = new Uint32Array(most);
  const kinds = new Uint8Array(most);
  const marks = new Uint32Array(most);
  let count = 0;
  let start = 0;
  for (;;) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end === -1) break;
    const found = end - start >= shortest ? parseLine(bytes, start, end) : undefined;
    if (found) {
      starts[count] = start + head.length;
      ends[count] = found.end;
      const partial = bytes[found.end - 1] !== NEWLINE;
      kinds[count] = (found.stderr ? logKinds.stderr : 0) + (partial ? logKinds.partial : 0);
      marks[count] = found.time;
      count += 1;
    }
    start = end + 1;
  }
  return { bytes, count, starts, ends, kinds, marks, timeAt: (mark) => timeAt(bytes, mark), consumed: start };
}

interface Line {
  /** Where the decoded text ends. */
  readonly end: number;
  readonly stderr: boolean;
  /** Where the time stands: after its opening quote. */
  readonly time: number;
}

function parseLine(bytes: Buffer, start: number, end: number): Line | undefined {
  if (bytes.compare(head, 0, head.length, start, start + head.length) !== 0) return undefined;
  const text = start + head.length;
  const after = bytes.indexOf(stream, text);
  if (after === -1 || after > end) return undefined;
  // `"}` ends it; the time before has from 20 to 35 letters
  const time = bytes.lastIndexOf(0x22, end - 3) + 1;
  if (time <= after) return undefined;
  const decodedEnd = decode(bytes, text, after);
  return decodedEnd < 0 ? undefined : { end: decodedEnd, stderr: bytes[after + stream.length] === 0x65, time };
}

/** Decodes the text of a JSON string in place. Returns its end, -1 when it is no such text. */
function decode(bytes: Buffer, start: number, end: number): number {
  const first = bytes.indexOf(BACKSLASH, start);
  if (first === -1 || first >= end) return end;
  if (first === end - 2 && bytes[first + 1] === LETTER_N) {
    bytes[first] = NEWLINE;
    return first + 1;
  }
  try {
    const text = JSON.parse(`"${bytes.toString('utf8', start, end)}"`) as string;
    return start + bytes.write(text, start);
  } catch {
    return -1;
  }
}

/** RFC 3339 with up to nine digits of a second. */
function timeAt(bytes: Buffer, mark: number): bigint {
  const text = bytes.toString('latin1', mark, bytes.indexOf(0x22, mark));
  const match = /^(.{19})(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const milliseconds = match ? Date.parse(`${match[1]}${match[3]}`) : Number.NaN;
  if (!match || Number.isNaN(milliseconds)) return 0n;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}
