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
    writeLine(out, bytes, start, end, tails[stream]?.(time) ?? '');
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
function createTail(stream: string, attrs: string): (time: bigint) => string {
  let last = -1n;
  let tail = '';
  return (time) => {
    if (time !== last) tail = `","stream":"${stream}",${attrs}"time":"${formatRfc3339Nano(time)}"}\n`;
    last = time;
    return tail;
  };
}

const head = '{"log":"';

function writeLine(out: LineWriter, bytes: Buffer, start: number, end: number, tail: string): void {
  const size = head.length + (end - start) + 1 + tail.length * 3;
  const buffer = out.ensure(size);
  const at = out.used + buffer.write(head, out.used, 'latin1');
  const after = writePlain(buffer, at, bytes, start, end);
  if (after >= 0) {
    out.used = after + buffer.write(tail, after);
    return;
  }
  const text = head + escaped(bytes.toString('utf8', start, end)) + tail;
  const larger = out.ensure(text.length * 3);
  out.used += larger.write(text, out.used);
}

/** Copies text that needs no escape but for the newline at its end. -1 when it needs one. */
function writePlain(to: Buffer, from: number, bytes: Buffer, start: number, end: number): number {
  let at = from;
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0;
    if (
      byte >= 0x20 &&
      byte < 0x7f &&
      byte !== 0x22 &&
      byte !== 0x5c &&
      byte !== 0x3c &&
      byte !== 0x3e &&
      byte !== 0x26
    )
      to[at++] = byte;
    else if (byte === NEWLINE && index === end - 1) {
      to[at++] = 0x5c;
      to[at++] = 0x6e;
    } else return -1;
  }
  return at;
}

/** As Go's encoding/json, which also escapes what HTML and JavaScript would take for their own. */
function escaped(text: string): string {
  return JSON.stringify(text)
    .slice(1, -1)
    .replace(/[<>&\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
