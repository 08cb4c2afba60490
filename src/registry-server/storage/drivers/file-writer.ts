import * as fs from 'node:fs';
import { Writable } from 'node:stream';
import { writeAllSync } from '../../../base/write-all.ts';

/** Milliseconds that one write may take before the disk is held to be behind, and milliseconds that it then is. */
const patience = 40;
const recovery = 1000;
/** Bytes that are gathered while a thread writes. */
const gathered = 1024 * 1024;

/**
 * Writes a file from an offset on, and closes it when it ends or fails. Bytes go to the page cache, which takes less
 * time than having a thread do it, and on a busy machine far less; while the disk is behind, and the page cache with
 * it, threads do the waiting.
 */
export class FileWriter extends Writable {
  /** Bytes that are in the file. */
  written = 0;
  readonly #file: number;
  readonly #offset: number;
  #behindUntil = 0;

  constructor(file: number, offset: number) {
    super({ highWaterMark: gathered });
    this.#file = file;
    this.#offset = offset;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const began = performance.now();
    if (began < this.#behindUntil) {
      this.#writeInThread([chunk], done);
      return;
    }
    try {
      writeAllSync(this.#file, chunk, this.#offset + this.written);
      this.written += chunk.length;
    } catch (error) {
      done(error as Error);
      return;
    }
    const now = performance.now();
    if (now - began > patience) this.#behindUntil = now + recovery;
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    const buffers = chunks.map(({ chunk }) => chunk);
    if (performance.now() < this.#behindUntil) this.#writeInThread(buffers, done);
    else this._write(Buffer.concat(buffers), 'latin1', done);
  }

  #writeInThread(buffers: readonly Buffer[], done: (error?: Error | null) => void): void {
    const data = buffers.length === 1 ? buffers[0]! : Buffer.concat(buffers);
    const next = (from: number): void => {
      fs.write(this.#file, data, from, data.length - from, this.#offset + this.written, (error, count) => {
        if (error) {
          done(error);
          return;
        }
        this.written += count;
        if (from + count < data.length) next(from + count);
        else done();
      });
    };
    next(0);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    fs.close(this.#file, (closing) => done(error ?? closing));
  }
}
