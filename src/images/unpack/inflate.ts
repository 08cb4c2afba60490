import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { internal } from '../../base/errors.ts';

/** Unpacks compressed data on this thread, into one buffer that is used again and again. */
export interface Inflater {
  /** What comes out of these bytes: pieces that are valid until the next is asked for. @throws zlib's error for damaged data. */
  feed(input: Buffer): Generator<Buffer>;
  /** Says that no more comes. @throws zlib's error for data that is cut off. */
  finish(): Generator<Buffer>;
  close(): void;
}

/** What stands behind Node's zlib streams. */
interface Handle {
  writeSync(flush: number, input: Buffer, at: number, length: number, out: Buffer, outAt: number, room: number): void;
  onerror: (message: string, errno: number, code: string) => void;
}

interface Inner {
  readonly _handle?: Partial<Handle>;
  /** After a write: room left in the output, bytes left of the input. */
  readonly _writeState?: unknown;
}

const outputSize = 128 * 1024;
const nothing = Buffer.alloc(0);

/**
 * Drives the native half of one of Node's decompression streams without the stream. The stream hands every piece to
 * another thread and back and allocates its output anew, which together cost an unpacking thread as much as the
 * decompression itself. Undefined when this Node has no such half: then the stream has to do.
 */
export function createInflater(
  stream: Transform & Pick<zlib.Gunzip, 'close'>,
  finishFlag: number,
): Inflater | undefined {
  const { _handle: handle, _writeState: state } = stream as Inner;
  if (typeof handle?.writeSync !== 'function' || !(state instanceof Uint32Array)) {
    stream.close();
    return undefined;
  }
  const out = Buffer.allocUnsafeSlow(outputSize);
  let failure: unknown;
  let ended = false;
  handle.onerror = (message, errno, code) => {
    failure = Object.assign(new Error(message), { errno, code });
  };
  const run = function* (flush: number, input: Buffer): Generator<Buffer> {
    let left = input.length;
    while (!ended) {
      handle.writeSync?.(flush, input, input.length - left, left, out, 0, out.length);
      if (failure !== undefined) throw failure;
      const [room, rest] = state;
      if (room === undefined || rest === undefined) throw internal('the decompressor lost its state');
      if (room < out.length) yield out.subarray(0, out.length - room);
      left = rest;
      if (room === 0) continue;
      ended = left > 0; // room for more, and still it took no more: what follows the end is not its own
      return;
    }
  };
  return {
    feed: (input) => run(zlib.constants.Z_NO_FLUSH, input),
    finish: () => run(finishFlag, nothing),
    close: () => stream.close(),
  };
}
