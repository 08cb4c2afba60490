import { type LogBatch, logKinds } from './contract.ts';

/** Docker cuts lines into pieces of this many bytes. */
export const longestPiece = 16 * 1024;
const NEWLINE = 10;

/** Takes a line, or a piece of one that goes on: it has no newline at its end then. `stream` is 0 or 1, for stderr. */
export type TakeLine = (bytes: Buffer, start: number, end: number, stream: number, time: bigint) => void;

/**
 * Puts lines together that the monitor cut wherever a read ended, and cuts those beyond 16 KiB as Docker does. The
 * result depends on the records alone, so that the same records give the same lines again.
 */
export interface LineJoiner {
  /** Takes the record; gives what is complete. */
  add(batch: LogBatch, index: number): void;
  /** Gives what waits for the rest of its line, as pieces. */
  flush(): void;
  /** Whether nothing waits for the rest of its line. */
  isAtLineEnd(): boolean;
}

/** The beginning of a line whose end has not come. */
interface Held {
  parts: Buffer[];
  size: number;
  time: bigint;
}

export function createLineJoiner(take: TakeLine): LineJoiner {
  const held: [Held, Held] = [
    { parts: [], size: 0, time: 0n },
    { parts: [], size: 0, time: 0n },
  ];
  const join = (batch: LogBatch, index: number, stream: number, partial: boolean): void => {
    const piece = held[stream] ?? held[0];
    const data = batch.bytes.subarray(batch.starts[index], batch.ends[index]);
    piece.parts.push(Buffer.from(data));
    piece.size += data.length;
    piece.time = batch.timeAt(batch.marks[index] ?? 0);
    if (partial && piece.size < longestPiece) return;
    let text = Buffer.concat(piece.parts);
    // a newline does not count
    while (text.length > longestPiece && !(text.length === longestPiece + 1 && text.at(-1) === NEWLINE)) {
      take(text, 0, longestPiece, stream, piece.time);
      text = text.subarray(longestPiece);
    }
    if (!partial) take(text, 0, text.length, stream, piece.time);
    piece.parts = partial && text.length > 0 ? [text] : [];
    piece.size = partial ? text.length : 0;
  };
  return {
    add(batch, index) {
      const kind = batch.kinds[index] ?? 0;
      const stream = kind & logKinds.stderr;
      const partial = (kind & logKinds.partial) !== 0;
      const start = batch.starts[index] ?? 0;
      const end = batch.ends[index] ?? 0;
      if (partial || held[stream]?.size !== 0 || end - start > longestPiece) join(batch, index, stream, partial);
      else take(batch.bytes, start, end, stream, batch.timeAt(batch.marks[index] ?? 0));
    },
    flush() {
      for (const [stream, piece] of held.entries()) {
        const text = Buffer.concat(piece.parts);
        if (text.length > 0) take(text, 0, text.length, stream, piece.time);
        piece.parts = [];
        piece.size = 0;
      }
    },
    isAtLineEnd: () => held[0].size === 0 && held[1].size === 0,
  };
}
