import { invalid } from '../base/errors.ts';

/**
 * The multiplexed stream of attach, exec and logs for a process without a terminal (Engine API,
 * ContainerAttach, "Stream format"): a header of 8 bytes, the stream's number, three zeros and the payload's
 * length as a big-endian 32-bit number, then the payload.
 */
export const streamNumbers = { stdin: 0, stdout: 1, stderr: 2, systemerr: 3 } as const;
export type StreamName = keyof typeof streamNumbers;

const streamNames: readonly StreamName[] = ['stdin', 'stdout', 'stderr', 'systemerr'];
const headerLength = 8;

/** The header that goes before a payload of `length` bytes. */
export function frameHeader(stream: StreamName, length: number): Buffer {
  const header = Buffer.alloc(headerLength);
  header[0] = streamNumbers[stream];
  header.writeUInt32BE(length, 4);
  return header;
}

/** Header and payload in one new buffer. */
export function encodeFrame(stream: StreamName, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerLength + payload.length);
  frame.fill(0, 0, headerLength);
  frame[0] = streamNumbers[stream];
  frame.writeUInt32BE(payload.length, 4);
  frame.set(payload, headerLength);
  return frame;
}

export interface FrameDecoder {
  /**
   * Takes the next bytes, cut anywhere. Payloads are handed on as they come, as views of `chunk`, so a large
   * frame arrives in pieces and nothing but a header is ever kept.
   * @throws invalid `Unrecognized input header: N` for what is no such stream.
   */
  push(chunk: Buffer): void;
  /** Says that no more comes. @throws invalid when that cuts a frame off. */
  end(): void;
}

/** A decoder that hands each stream's payload to `onData`. */
export function createFrameDecoder(onData: (stream: StreamName, data: Buffer) => void): FrameDecoder {
  const header = Buffer.alloc(headerLength);
  let headerFilled = 0;
  let stream: StreamName = 'stdin';
  let remaining = 0;

  const readHeader = (chunk: Buffer, at: number): number => {
    const copied = chunk.copy(header, headerFilled, at, at + headerLength - headerFilled);
    headerFilled += copied;
    if (headerFilled === headerLength) {
      const name = streamNames[header[0]!];
      if (name === undefined) throw invalid(`Unrecognized input header: ${header[0]}`, { code: 'bad-stream' });
      stream = name;
      remaining = header.readUInt32BE(4);
      if (remaining === 0) headerFilled = 0;
    }
    return at + copied;
  };

  return {
    push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (headerFilled < headerLength) {
          at = readHeader(chunk, at);
          continue;
        }
        const end = Math.min(chunk.length, at + remaining);
        remaining -= end - at;
        if (remaining === 0) headerFilled = 0;
        const data = chunk.subarray(at, end);
        at = end;
        onData(stream, data);
      }
    },
    end() {
      if (headerFilled !== 0) throw invalid('the stream ended inside a frame', { code: 'bad-stream' });
    },
  };
}
