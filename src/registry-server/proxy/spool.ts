import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import * as path from 'node:path';
import { Readable } from 'node:stream';
import { errnoOf } from '../../base/errors.ts';

/** Bytes on their way, in a file without a name: the kernel frees it when its last user lets go, killed or not. */
export interface Spool {
  write(bytes: Uint8Array, at: number): Promise<void>;
  read(into: Uint8Array, at: number): Promise<number>;
  /** One user more; false when it is gone already. */
  hold(): boolean;
  /** One user less. */
  release(): void;
}

/** Makes one in a folder, which is made where it is missing, with one user. @throws the system error. */
export async function openSpool(folder: string): Promise<Spool> {
  const file = path.join(folder, `.spool-${randomUUID()}`);
  const handle = await open(file, 'wx+', 0o600).catch(async (error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    await mkdir(folder, { recursive: true }); // nothing was ever kept here
    return open(file, 'wx+', 0o600);
  });
  try {
    await unlink(file);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return spoolOf(handle);
}

function spoolOf(handle: FileHandle): Spool {
  let users = 1;
  return {
    async write(bytes, at) {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
    },
    read: async (into, at) => (await handle.read(into, 0, into.length, at)).bytesRead,
    hold() {
      if (users === 0) return false;
      users += 1;
      return true;
    },
    release() {
      users -= 1;
      if (users === 0) void handle.close().catch(() => {}); // nothing in it is wanted any more
    },
  };
}

/** What a reader of a growing file goes by. */
export interface Growing {
  readonly spool: Spool;
  /** Bytes from the start that may be given out now. @throws why no more will come. */
  ready(): number;
  /** Resolves when `ready` may say something else. */
  changed(): Promise<void>;
}

const largest = 256 * 1024;

/**
 * The bytes from `start` up to `end` (which is not one of them) as they become ready. Errors when the file will not
 * grow that far. Whoever makes it holds the spool for it; its end or destruction lets go.
 */
export class GrowingReader extends Readable {
  readonly #source: Growing;
  readonly #end: number;
  #at: number;

  constructor(source: Growing, start: number, end: number) {
    super({ highWaterMark: largest });
    this.#source = source;
    this.#at = start;
    this.#end = end;
  }

  override _read(): void {
    this.#next().then(
      (bytes) => this.push(bytes),
      (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#source.spool.release();
    done(error);
  }

  async #next(): Promise<Uint8Array | null> {
    if (this.#at >= this.#end) return null;
    for (;;) {
      if (this.destroyed) return null;
      const changed = this.#source.changed();
      const ready = Math.min(this.#source.ready(), this.#end);
      if (ready > this.#at) return await this.#part(Math.min(ready - this.#at, largest));
      await changed;
    }
  }

  async #part(size: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(size);
    const count = await this.#source.spool.read(buffer, this.#at);
    if (count === 0) throw new Error('the file ends before the bytes that were written to it');
    this.#at += count;
    return buffer.subarray(0, count);
  }
}
