import * as fs from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import * as zlib from 'node:zlib';
import { errnoOf, invalid, messageOf, unsupported } from '../../base/errors.ts';
import { createInflater, type Inflater } from './inflate.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

const chunkSize = 256 * 1024;

/** How data is compressed, by its first bytes, whatever its media type says. */
export function detectCompression(start: Uint8Array): Compression {
  const begins = (...bytes: number[]): boolean => bytes.every((byte, at) => start[at] === byte);
  if (begins(0x1f, 0x8b)) return 'gzip';
  if (begins(0x28, 0xb5, 0x2f, 0xfd) || isSkippableFrame(start)) return 'zstd';
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a)) return 'xz';
  return begins(0x42, 0x5a, 0x68) ? 'bzip2' : 'none';
}

/** A zstd file may begin with a frame for programs other than decompressors (RFC 8878, 3.1.2). */
function isSkippableFrame(start: Uint8Array): boolean {
  return (
    start[0] !== undefined && (start[0] & 0xf0) === 0x50 && start[1] === 0x2a && start[2] === 0x4d && start[3] === 0x18
  );
}

/** A transform that unpacks, undefined for what is not packed. @throws unsupported for xz and bzip2, which no layer has. */
export function createDecompressor(compression: Compression): zlib.Gunzip | zlib.ZstdDecompress | undefined {
  if (compression === 'gzip') return zlib.createGunzip({ chunkSize });
  if (compression === 'zstd') return zlib.createZstdDecompress({ chunkSize });
  if (compression !== 'none') {
    throw unsupported(`the layer is compressed with ${compression}: layers may be plain, gzip or zstd`, {
      code: 'compression',
    });
  }
  return undefined;
}

/** Of a file that is read while it is still written. */
export interface Growth {
  ended(): boolean;
  /** Lets some time pass on this thread. @throws to stop. */
  wait(): void;
}

/**
 * Opens a file for its unpacked content: whether it is packed, and pieces that are valid until the next is asked for.
 * The file is closed when the pieces have been read to their end, or are left. `read` counts the bytes taken from it.
 * A file that still grows has `growth` to say when it is whole; its first bytes are waited for.
 * @throws invalid `bad-archive`, while reading, for data that is damaged or cut off; the system error.
 */
export function openUnpacked(
  file: string,
  read: (bytes: number) => void,
  growth?: Growth,
): { packed: boolean; pieces: AsyncIterable<Buffer> } {
  const fd = fs.openSync(file, 'r');
  try {
    const start = Buffer.alloc(8);
    let length = fs.readSync(fd, start, 0, start.length, 0);
    while (length < start.length && growth && !growth.ended()) {
      growth.wait();
      length = fs.readSync(fd, start, 0, start.length, 0);
    }
    const compression = detectCompression(start.subarray(0, length));
    return { packed: compression !== 'none', pieces: unpacked(fd, compression, read, growth) };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

async function* unpacked(
  fd: number,
  compression: Compression,
  read: (bytes: number) => void,
  growth?: Growth,
): AsyncGenerator<Buffer> {
  try {
    const decompressor = createDecompressor(compression);
    if (!decompressor) {
      yield* readPlain(fd, read, growth);
      return;
    }
    const finish = compression === 'zstd' ? zlib.constants.ZSTD_e_end : zlib.constants.Z_FINISH;
    const inflater = createInflater(decompressor, finish);
    const source = readPlain(fd, read, growth);
    yield* inflater ? inflate(source, inflater) : throughStream(source, compression);
  } catch (error) {
    throw asArchiveError(error);
  } finally {
    fs.closeSync(fd);
  }
}

function* readPlain(fd: number, read: (bytes: number) => void, growth?: Growth): Generator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(chunkSize);
  for (;;) {
    const whole = growth?.ended() ?? true; // asked before: what comes between would be missed
    const length = fs.readSync(fd, buffer, 0, buffer.length, null);
    if (length === 0) {
      if (whole) return;
      growth?.wait();
      continue;
    }
    read(length);
    yield length === buffer.length ? buffer : buffer.subarray(0, length);
  }
}

function* inflate(source: Iterable<Buffer>, inflater: Inflater): Generator<Buffer> {
  try {
    for (const piece of source) yield* inflater.feed(piece);
    yield* inflater.finish();
  } finally {
    inflater.close();
  }
}

async function* throughStream(pieces: Generator<Buffer>, compression: Compression) {
  const decompressor = createDecompressor(compression);
  if (!decompressor) return;
  const copies = pieces.map((piece) => Buffer.from(piece)); // the stream keeps what it is given
  const source = Readable.from(copies, { objectMode: false, highWaterMark: chunkSize });
  yield* pipeline(source, decompressor, () => {}) as AsyncIterable<Buffer>;
}

/** What zlib throws, as `bad-archive`; anything else unchanged. */
export function asArchiveError(error: unknown): unknown {
  const code = errnoOf(error) ?? '';
  if (!/^Z_|^ZSTD_|^ERR_ZLIB/.test(code)) return error;
  return invalid(`bad archive: ${messageOf(error)}`, { code: 'bad-archive', cause: error });
}
