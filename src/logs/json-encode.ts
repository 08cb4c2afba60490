import { formatRfc3339Nano } from '../formats/timestamp.ts';
import type { LogBatch } from './contract.ts';
import { createLineJoiner } from './lines.ts';

const NEWLINE = 10;

/** Where encoded lines go, one after the other. */
export interface LineWriter {
  /** Room for that many bytes more. */
  ensure(bytes: number): Buffer;
  used: number;
  /** Called after each line. */
  lineDone(): void;
}

export interface JsonEncoder {
  /** Encodes the records from `from` on until `isFull`. Returns the first that was not. */
  encode(batch: LogBatch, from: number, isFull: () => boolean): number;
  /** Writes what waits for the rest of its line, as pieces. */
  flush(): void;
  /** Whether nothing waits for the rest of its line. */
  isAtLineEnd(): boolean;
}

/**
 * Docker's json-file: `{"log":"text\n","stream":"stdout","attrs":{...},"time":"2024-02-29T12:00:00.5Z"}` on a line of
 * its own for each line of output, put together and cut as `lines.ts` does. Bytes that are no UTF-8 become U+FFFD,
 * which is all that JSON can hold.
 */
export function createJsonEncoder(attributes: Readonly<Record<string, string>>, out: LineWriter): JsonEncoder {
  const attrs = Object.keys(attributes).length > 0 ? `"attrs":${JSON.stringify(attributes)},` : '';
  const tails = [createTail('stdout', attrs), createTail('stderr', attrs)];
  const joiner = createLineJoiner((bytes, start, end, stream, time) => {
    writeLine(out, bytes, start, end, tails[stream]?.(time) ?? nothing);
    out.lineDone();
  });
  return {
    encode(batch, from, isFull) {
      let index = from;
      for (; index < batch.count && !isFull(); index += 1) joiner.add(batch, index);
      return index;
    },
    flush: joiner.flush,
    isAtLineEnd: joiner.isAtLineEnd,
  };
}

/** What follows the text; many records have the same time. */
function createTail(stream: string, attrs: string): (time: bigint) => Buffer {
  let last = -1n;
  let tail = nothing;
  return (time) => {
    if (time !== last) tail = Buffer.from(`","stream":"${stream}",${attrs}"time":"${formatRfc3339Nano(time)}"}\n`);
    last = time;
    return tail;
  };
}

const nothing = Buffer.alloc(0);
const head = Buffer.from('{"log":"');
/** 1 for what JSON has as it is: ASCII without control characters, `"`, `\`, and what Go escapes for HTML. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  Number(byte >= 0x20 && byte < 0x7f && !'"\\<>&'.includes(String.fromCharCode(byte))),
);

/** No strings and no call for the most lines: there are a million a second. */
function writeLine(out: LineWriter, bytes: Buffer, start: number, end: number, tail: Buffer): void {
  const buffer = out.ensure(head.length + (end - start) + 1 + tail.length);
  let at = out.used;
  for (let index = 0; index < head.length; index += 1) buffer[at++] = head[index] ?? 0;
  at = writePlain(buffer, at, bytes, start, end);
  if (at >= 0) {
    buffer.set(tail, at);
    out.used = at + tail.length;
    return;
  }
  const text = escaped(bytes.toString('utf8', start, end));
  const larger = out.ensure(head.length + text.length * 3 + tail.length);
  const after = out.used + head.length + larger.write(text, out.used + head.length);
  larger.set(head, out.used);
  larger.set(tail, after);
  out.used = after + tail.length;
}

/** Copies text that needs no escape but for the newline at its end. -1 when it needs one. */
function writePlain(to: Buffer, from: number, bytes: Buffer, start: number, end: number): number {
  let at = from;
  const last = end > start && bytes[end - 1] === NEWLINE ? end - 1 : end;
  for (let index = start; index < last; index += 1) {
    const byte = bytes[index] ?? 0;
    if (isPlain[byte] === 0) return -1;
    to[at++] = byte;
  }
  if (last < end) {
    to[at++] = 0x5c;
    to[at++] = 0x6e;
  }
  return at;
}

/** As Go's encoding/json, which also escapes what HTML and JavaScript would take for their own. */
function escaped(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
