import type * as fs from 'node:fs/promises';
import { countBuffer } from '../../base/buffer-garbage.ts';

/** Writes to a file's end (or a handle's position) in large blocks, the next of which is gathered while one is written. */
export interface WriteBehind {
  /** Takes a copy of a chunk. Waits while a block is full and the one before is still being written. @throws what an earlier write met. */
  write(chunk: Uint8Array): Promise<void>;
  /** Writes what is gathered and waits for all of it. @throws the system error. */
  flush(): Promise<void>;
  /** Lets go of what is gathered and waits for what is on its way. Never throws. */
  drop(): Promise<void>;
}

/** What is gathered before it is written: every write costs a way to another thread and back, whatever its size. */
const blockSize = 512 * 1024;

/**
 * Blocks that are used again, by all files. The buffers that a network brings are copied into them and so die at once:
 * those that wait to be written grow old, and V8 frees what is old only by going through its whole heap.
 */
const spare: Buffer[] = [];
const mostSpare = 8;

/** `seen` is called with each block in order, before `flush` resolves for the last; the bytes are valid during the call. */
export function writeBehind(handle: fs.FileHandle, seen: (block: Uint8Array) => void): WriteBehind {
  let block: Buffer | undefined;
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const begin = async (): Promise<void> => {
    await writing;
    if (!block) return;
    const full = block;
    const bytes = full.subarray(0, size);
    block = undefined;
    size = 0;
    writing = writeAll(handle, bytes).finally(() => giveBack(full));
    writing.catch(() => {}); // whoever waits for it next is told
    seen(bytes);
  };
  return {
    async write(chunk) {
      countBuffer(chunk.length);
      for (let taken = 0; taken < chunk.length; ) {
        block ??= spare.pop() ?? Buffer.allocUnsafeSlow(blockSize);
        const part = chunk.subarray(taken, taken + blockSize - size);
        block.set(part, size);
        size += part.length;
        taken += part.length;
        if (size === blockSize) await begin();
      }
    },
    async flush() {
      await begin();
      await writing;
    },
    async drop() {
      if (block) giveBack(block);
      block = undefined;
      size = 0;
      await writing.catch(() => {});
    },
  };
}

function giveBack(block: Buffer): void {
  if (spare.length < mostSpare) spare.push(block);
}

/** One write may take only a part. */
async function writeAll(handle: fs.FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
