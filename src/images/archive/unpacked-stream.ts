import { pipeline, Readable } from 'node:stream';
import { asArchiveError, createDecompressor, detectCompression } from '../unpack/decompress.ts';

/**
 * The content of an archive that arrives as a stream, plain, gzip or zstd, told apart by its first bytes.
 * @throws invalid `bad-archive` for damaged data, unsupported for another compression, what the stream throws.
 */
export async function* unpackedStream(archive: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const source = archive[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const start: Buffer[] = [];
  let length = 0;
  while (length < 8) {
    const next = await source.next();
    if (next.done) break;
    const chunk = Buffer.from(next.value);
    start.push(chunk);
    length += chunk.length;
  }
  const decompressor = createDecompressor(detectCompression(Buffer.concat(start)));
  const whole = follow(start, source, signal);
  try {
    if (decompressor) {
      const input = Readable.from(whole, { objectMode: false });
      yield* pipeline(input, decompressor, () => {}) as AsyncIterable<Buffer>;
    } else yield* whole;
  } catch (error) {
    throw asArchiveError(error);
  }
}

async function* follow(start: readonly Buffer[], source: AsyncIterator<Buffer>, signal: AbortSignal) {
  try {
    yield* start;
    for (;;) {
      signal.throwIfAborted();
      const next = await source.next();
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await source.return?.();
  }
}
