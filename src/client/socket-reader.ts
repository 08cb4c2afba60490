import type { Socket } from 'node:net';
import { messageOf, TugError } from '../base/errors.ts';

const highWater = 1024 * 1024;

/** Pulls bytes out of a socket with back-pressure: what is not asked for yet waits in the kernel. */
export class SocketReader {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('close', this.#onEnd);
    socket.on('error', this.#onError);
  }

  #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered > highWater) this.#socket.pause();
    this.#wake?.();
  };

  #onEnd = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  #onError = (error: Error): void => {
    this.#failure = new TugError('unavailable', `the connection to the engine failed: ${messageOf(error)}`, {
      code: 'engine-cut-off',
      cause: error,
    });
    this.#wake?.();
  };

  /** The next bytes, at most `limit` of them, or undefined at the end. @throws unavailable when the connection fails. */
  async read(limit = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return undefined;
      await this.#more();
    }
    const first = this.#chunks[0]!;
    if (first.length > limit) {
      this.#chunks[0] = first.subarray(limit);
      this.#buffered -= limit;
      return first.subarray(0, limit);
    }
    this.#chunks.shift();
    this.#buffered -= first.length;
    return first;
  }

  /**
   * The bytes up to `mark`, which is consumed and not returned.
   * @throws unavailable when the connection ends first or `limit` bytes hold no mark.
   */
  async readUntil(mark: string, limit: number): Promise<Buffer> {
    for (;;) {
      if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
      const held = this.#chunks[0];
      const at = held === undefined ? -1 : held.indexOf(mark, 0, 'latin1');
      if (held !== undefined && at >= 0) {
        this.#chunks = at + mark.length < held.length ? [held.subarray(at + mark.length)] : [];
        this.#buffered = this.#chunks[0]?.length ?? 0;
        return held.subarray(0, at);
      }
      if (this.#failure) throw this.#failure;
      if (this.#ended) throw new TugError('unavailable', 'the engine closed the connection without an answer');
      if (this.#buffered > limit + mark.length)
        throw new TugError('unavailable', 'the engine sent an answer that is too long');
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#socket.isPaused()) this.#socket.resume();
    });
    this.#wake = undefined;
  }
}
