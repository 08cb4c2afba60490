import type * as fs from 'node:fs/promises';
import { countBuffer } from '../../base/buffer-garbage.ts';

/** Writes to a file's end (or a handle's position) in large pieces, the next of which is gathered while one is written. */
export interface WriteBehind {
  /** Takes a chunk, which must not change afterwards. Waits while too much is on its way. @throws what an earlier write met. */
  write(chunk: Uint8Array): Promise<void>;
  /** Writes what is gathered and waits for all of it. @throws the system error. */
  flush(): Promise<void>;
  /** Lets go of what is gathered and waits for what is on its way. Never throws. */
  drop(): Promise<void>;
}

/** What is gathered before it is written: every write costs a way to another thread and back, whatever its size. */
const pieceSize = 512 * 1024;

export function writeBehind(handle: fs.FileHandle): WriteBehind {
  let gathered: Uint8Array[] = [];
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const begin = async (): Promise<void> => {
    await writing;
    if (size === 0) return;
    const chunks = gathered;
    gathered = [];
    size = 0;
    writing = writeAll(handle, chunks);
    writing.catch(() => {}); // whoever waits for it next is told
  };
  return {
    async write(chunk) {
      countBuffer(chunk.length);
      gathered.push(chunk);
      size += chunk.length;
      if (size >= pieceSize) await begin();
    },
    async flush() {
      await begin();
      await writing;
    },
    async drop() {
      gathered = [];
      size = 0;
      await writing.catch(() => {});
    },
  };
}

/** One write may take only a part. */
async function writeAll(handle: fs.FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let { bytesWritten: skip } = await handle.writev([...chunks]);
  for (const chunk of chunks) {
    for (let done = Math.min(skip, chunk.length); done < chunk.length; ) {
      done += (await handle.write(chunk, done, chunk.length - done)).bytesWritten;
    }
    skip = Math.max(0, skip - chunk.length);
  }
}
