import { internal } from '../base/errors.ts';
import { libraryLoader } from './shared-library.ts';

/** Compresses blocks with libdeflate, several at once, each on a thread of the process's pool. */
export interface Deflater {
  /** A gzip member (RFC 1952) without a name or a time that holds the block, which must not change before. */
  gzip(block: Buffer): Promise<Buffer>;
  /** Gives the memory back, once no `gzip` is under way. Idempotent. */
  close(): void;
}

interface Library {
  allocate(level: number): unknown;
  release(compressor: unknown): void;
  bound(compressor: null, size: number): number;
  /** Its last argument hears the size that came out, 0 where the room did not do. */
  compress(...call: [unknown, Buffer, number, Buffer, number, (error: unknown, size: number) => void]): void;
}

/** undefined where the library is not installed. Levels are 1 (fastest) to 12. */
export function openDeflater(level: number): Deflater | undefined {
  const library = loadLibrary();
  if (!library) return undefined;
  const idle: { compressor: unknown; room: Buffer }[] = [];
  const take = (size: number): { compressor: unknown; room: Buffer } => {
    const { compressor = library.allocate(level), room } = idle.pop() ?? {};
    if (compressor === null) throw internal('no memory to compress with');
    const bound = library.bound(null, size);
    return { compressor, room: room && room.length >= bound ? room : Buffer.allocUnsafeSlow(bound) };
  };
  return {
    async gzip(block) {
      const place = take(block.length);
      const { compressor, room } = place;
      try {
        const size = await new Promise<number>((resolve, reject) => {
          library.compress(compressor, block, block.length, room, room.length, (error, written) =>
            error ? reject(error) : resolve(Number(written)),
          );
        });
        if (size === 0) throw internal('libdeflate found no room for what it promised to fit');
        return Buffer.from(room.subarray(0, size));
      } finally {
        idle.push(place);
      }
    },
    close() {
      for (const { compressor } of idle.splice(0)) library.release(compressor);
    },
  };
}

const loadLibrary = libraryLoader(
  'libdeflate.so.0',
  (library): Library => ({
    allocate: library.func('void *libdeflate_alloc_compressor(int)'),
    release: library.func('void libdeflate_free_compressor(void *)'),
    bound: library.func('size_t libdeflate_gzip_compress_bound(void *, size_t)'),
    compress: library.func('size_t libdeflate_gzip_compress(void *, const void *, size_t, void *, size_t)').async,
  }),
);
