import * as fs from 'node:fs';
import { promisify } from 'node:util';

/** Writes to a file's end (or a descriptor's position) in large blocks, the next of which is gathered while one is written. */
export interface WriteBehind {
  /** Takes a copy of a chunk. */
  push(chunk: Uint8Array): void;
  /** Waits until no more than one block is on its way, so that what waits is bounded. @throws what an earlier write met. */
  room(): Promise<void>;
  /** Writes what is gathered and waits for all of it. After a write that failed nothing more is written. @throws the system error. */
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
export function writeBehind(fd: number, seen: (block: Uint8Array) => void = () => {}): WriteBehind {
  let block: Buffer | undefined;
  let size = 0;
  let before: Promise<void> = Promise.resolve();
  let latest = before;
  const begin = (): void => {
    if (!block) return;
    const full = block;
    const bytes = full.subarray(0, size);
    block = undefined;
    size = 0;
    before = latest;
    latest = before.then(() => writeAll(fd, bytes)).finally(() => giveBack(full));
    latest.catch(() => {}); // whoever waits for it next is told
    seen(bytes);
  };
  return {
    push(chunk) {
      for (let taken = 0; taken < chunk.length; ) {
        block ??= spare.pop() ?? Buffer.allocUnsafeSlow(blockSize);
        const part = chunk.subarray(taken, taken + blockSize - size);
        block.set(part, size);
        size += part.length;
        taken += part.length;
        if (size === blockSize) begin();
      }
    },
    room: () => before,
    async flush() {
      begin();
      await latest;
    },
    async drop() {
      if (block) giveBack(block);
      block = undefined;
      size = 0;
      await latest.catch(() => {});
    },
  };
}

function giveBack(block: Buffer): void {
  if (spare.length < mostSpare) spare.push(block);
}

const write = promisify(fs.write);

/** One write may take only a part. */
async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await write(fd, bytes, done, bytes.length - done, null)).bytesWritten;
  }
}
