import { streamNumbers } from '../../formats/raw-stream.ts';

const size = 128 * 1024;
const headerLength = 8;
/** Payload of the largest frame, as dockerd's. */
const longestFrame = 32 * 1024;
/** Buffers kept for the next output: new ones cost V8 more, in collecting them, than all else here. */
const kept = 4;
/** Milliseconds within which output that follows output is collected. */
const busyTime = 3;

/** Output on its way to one client, collected into large pieces: each piece costs the client a wake-up. */
export interface OutputBatch {
  /** Takes bytes, and copies them. */
  add(stream: 'stdout' | 'stderr', data: Uint8Array): void;
  /** Sends what was collected, now. */
  flush(): void;
}

/**
 * What comes after a pause goes out at the end of the turn of the event loop in which it came; what follows it closely
 * waits for two milliseconds, or until 128 KiB are together. Pieces of one stream that follow each other go into one frame.
 * @param send gets bytes that are its own until it calls `done`.
 */
export function createOutputBatch(framed: boolean, send: (bytes: Uint8Array, done: () => void) => void): OutputBatch {
  const free: Buffer[] = [];
  let buffer: Buffer | undefined;
  let filled = 0;
  /** Where the header of the frame stands that can still grow; its stream. */
  let header = -1;
  let open: 'stdout' | 'stderr' | undefined;
  let sentAt = Number.NEGATIVE_INFINITY;
  let immediate: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout | undefined;

  const flush = (): void => {
    clearImmediate(immediate);
    clearTimeout(timer);
    immediate = undefined;
    timer = undefined;
    if (!buffer || filled === 0) return;
    sentAt = performance.now();
    const used = buffer;
    const bytes = used.subarray(0, filled);
    const isLittle = filled < size / 16; // not to hold on to a large buffer until it is read
    filled = 0;
    open = undefined;
    if (isLittle) {
      send(Buffer.from(bytes), () => {});
      return;
    }
    buffer = undefined;
    send(bytes, () => {
      if (free.length < kept && used.length === size) free.push(used);
    });
  };
  const flushSoon = (): void => {
    if (immediate || timer) return;
    if (performance.now() - sentAt > busyTime) immediate = setImmediate(flush);
    else timer = setTimeout(flush, 2);
  };
  /** The buffer, with room for that many bytes more. */
  const reserve = (length: number): Buffer => {
    if (buffer && filled + length > buffer.length) flush();
    if (buffer && buffer.length < length) buffer = undefined;
    buffer ??= (length <= size ? free.pop() : undefined) ?? Buffer.allocUnsafeSlow(Math.max(size, length));
    return buffer;
  };
  return {
    add(stream, data) {
      if (data.length === 0) return;
      const target = reserve(headerLength + data.length);
      if (framed) {
        const length = filled - header - headerLength;
        if (open !== stream || length + data.length > longestFrame) {
          header = filled;
          open = stream;
          target.fill(0, filled, filled + headerLength);
          target[filled] = streamNumbers[stream];
          filled += headerLength;
        }
        target.writeUInt32BE(filled - header - headerLength + data.length, header + 4);
      }
      target.set(data, filled);
      filled += data.length;
      flushSoon();
    },
    flush,
  };
}
