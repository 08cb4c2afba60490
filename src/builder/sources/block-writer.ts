import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { writeAllSync } from '../../base/write-all.ts';

/** Writes a file from its beginning in blocks, in the pool, one at a time, while the caller makes the next one. */
export interface BlockWriter {
  /** Takes the next bytes. Nobody changes them any more: large pieces are written as they are. */
  push(piece: Buffer): void;
  /** Waits until no more than one block is left to write, so that what waits is bounded. @throws what a write threw. */
  room(): Promise<void>;
  /** Writes the rest and waits for all. Once it ends or throws nothing is being written. @throws what a write threw. */
  end(): Promise<void>;
}

const blockSize = 1024 * 1024;
/** A smaller piece is copied, since it may be little of a buffer that would be kept for it. */
const largePiece = 32 * 1024;
const slabSize = 256 * 1024;
const writev = promisify(fs.writev);

/** After a write that failed nothing more is written. */
export function createBlockWriter(fd: number): BlockWriter {
  let block: Buffer[] = [];
  let size = 0;
  let position = 0;
  let slab: Buffer = Buffer.alloc(0);
  /** What of it holds pieces that are not in the block yet. */
  let [from, to] = [0, 0];
  let before: Promise<void> = Promise.resolve();
  let latest = before;
  const takeSlab = (): void => {
    if (to > from) block.push(slab.subarray(from, to));
    from = to;
  };
  const copy = (piece: Buffer): void => {
    if (piece.length > slab.length - to) {
      takeSlab();
      slab = Buffer.allocUnsafeSlow(slabSize);
      [from, to] = [0, 0];
    }
    to += piece.copy(slab, to);
  };
  const begin = (): void => {
    takeSlab();
    const [pieces, at] = [block, position];
    before = latest;
    latest = before.then(() => writeBlock(fd, pieces, at));
    latest.catch(() => {}); // who waits for it is told
    position += size;
    block = [];
    size = 0;
  };
  return {
    push(piece) {
      if (piece.length < largePiece) copy(piece);
      else {
        takeSlab();
        block.push(piece);
      }
      size += piece.length;
      if (size >= blockSize) begin();
    },
    room: () => before,
    end() {
      if (size > 0) begin();
      return latest;
    },
  };
}

/** One call may take only a part. */
async function writeBlock(fd: number, block: readonly Buffer[], position: number): Promise<void> {
  const { bytesWritten } = await writev(fd, block, position);
  const whole = block.reduce((sum, { length }) => sum + length, 0);
  if (bytesWritten < whole) writeAllSync(fd, Buffer.concat(block).subarray(bytesWritten), position + bytesWritten);
}
