import * as fs from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, type ZlibOptions } from 'node:zlib';

const deflate = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

/** Bytes of a piece. Pieces are compressed side by side; each knows the end of the one before it. */
const blockSize = 1024 * 1024;
const windowSize = 32 * 1024;
/** No name, no time, an unknown system: the same content gives the same bytes. */
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
/** An empty last block, which ends the deflate stream. */
const end = Buffer.from([3, 0]);

/**
 * A file as gzip (RFC 1952), one member, compressed on all processors: pieces that end at a byte boundary stand
 * one after the other in one deflate stream. The same content and level give the same bytes everywhere.
 */
export async function* gzipFile(file: string, level: number): AsyncGenerator<Buffer> {
  const handle = await fs.open(file, 'r');
  const waiting: Promise<Buffer>[] = [];
  const most = availableParallelism() + 1;
  let checksum = 0;
  let size = 0;
  let window: Buffer | undefined;
  try {
    yield header;
    for (;;) {
      const block = await readBlock(handle);
      if (block.length === 0) break;
      checksum = crc32(block, checksum);
      size += block.length;
      const piece = deflate(block, {
        level,
        finishFlush: constants.Z_SYNC_FLUSH,
        ...(window ? { dictionary: window } : {}),
      });
      piece.catch(() => {}); // it is awaited below, unless an earlier one has failed
      waiting.push(piece);
      window = block.subarray(-windowSize);
      if (waiting.length >= most) yield await (waiting.shift() as Promise<Buffer>);
    }
    for (const piece of waiting) yield await piece;
    yield end;
    yield trailer(checksum, size);
  } finally {
    await handle.close();
  }
}

/** The next piece, whole but for the last one. */
async function readBlock(handle: fs.FileHandle): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(blockSize);
  let filled = 0;
  while (filled < blockSize) {
    const { bytesRead } = await handle.read(block, filled, blockSize - filled, null);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return block.subarray(0, filled);
}

function trailer(checksum: number, size: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(checksum >>> 0, 0);
  bytes.writeUInt32LE(size % 2 ** 32, 4);
  return bytes;
}
