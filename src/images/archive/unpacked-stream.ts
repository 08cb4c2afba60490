import { pipeline, Readable } from 'node:stream';
import { invalid } from '../../base/errors.ts';
import { asArchiveError, type Compression, createDecompressor, detectCompression } from '../unpack/decompress.ts';
import { defaultLimits, type UnpackLimits } from '../unpack/layer.ts';
import { decompressExternally } from './external-decompressor.ts';

/**
 * The content of an archive that arrives as a stream, plain or compressed with gzip, zstd, xz or bzip2, told apart by
 * its first bytes.
 * @throws invalid `bad-archive` for damaged data, `archive-too-large` for what unpacks to far more than it is;
 * unsupported for a compression whose program is missing; what the stream throws.
 */
export async function* unpackedStream(
  archive: Readable,
  signal: AbortSignal,
  limits: UnpackLimits = defaultLimits,
): AsyncGenerator<Buffer> {
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
  const compression = detectCompression(Buffer.concat(start));
  const taken = { bytes: 0 };
  const whole = follow(start, source, signal, taken);
  if (compression === 'none') {
    yield* whole;
    return;
  }
  let given = 0;
  try {
    for await (const chunk of decompress(compression, Readable.from(whole, { objectMode: false }))) {
      given += chunk.length;
      if (given > limits.freeBytes && given > taken.bytes * limits.ratio) {
        const message = `the archive unpacks to more than ${limits.ratio} times its size (decompression-limits.ratio of the configuration)`;
        throw invalid(message, { code: 'archive-too-large' });
      }
      yield chunk;
    }
  } catch (error) {
    throw asArchiveError(error);
  }
}

function decompress(compression: Compression, input: Readable): AsyncIterable<Buffer> {
  if (compression === 'xz' || compression === 'bzip2') return decompressExternally(compression, input);
  const decompressor = createDecompressor(compression);
  return decompressor ? (pipeline(input, decompressor, () => {}) as AsyncIterable<Buffer>) : input;
}

async function* follow(
  start: readonly Buffer[],
  source: AsyncIterator<Buffer>,
  signal: AbortSignal,
  taken: { bytes: number },
): AsyncGenerator<Buffer> {
  try {
    for (const chunk of start) {
      taken.bytes += chunk.length;
      yield chunk;
    }
    for (;;) {
      signal.throwIfAborted();
      const next = await source.next();
      if (next.done) return;
      taken.bytes += next.value.length;
      yield next.value;
    }
  } finally {
    await source.return?.();
  }
}
