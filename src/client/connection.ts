import { messageOf, TugError } from '../base/errors.ts';

/** A two-way stream of bytes with the engine. Each direction ends on its own. */
export interface Connection {
  /** The next bytes, at most `limit`, or undefined when the engine has ended its direction. @throws unavailable. */
  read(limit?: number): Promise<Buffer | undefined>;
  /**
   * The bytes up to `mark`, which is consumed and not returned.
   * @throws unavailable when the stream ends first, or `limit` bytes hold no mark.
   */
  readUntil(mark: string, limit: number): Promise<Buffer>;
  /** Sends bytes; resolves when there is room for more. Bytes for a peer that has gone are dropped. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Ends this side's direction; reading goes on. */
  closeWrite(): void;
  destroy(): void;
}

/** What a transport does with the flow of what it receives. */
export interface Flow {
  pause(): void;
  resume(): void;
}

const highWater = 1024 * 1024;

/** What was received and not read yet. Asks the transport to pause when a megabyte waits. */
export class Received {
  readonly #flow: Flow;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #paused = false;
  #ended = false;
  #failure: TugError | undefined;
  #wake: (() => void) | undefined;

  constructor(flow: Flow) {
    this.#flow = flow;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered > highWater && !this.#paused) {
      this.#paused = true;
      this.#flow.pause();
    }
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#failure ??= new TugError('unavailable', `the connection to the engine failed: ${messageOf(error)}`, {
      code: 'engine-cut-off',
      cause: error,
    });
    this.#wake?.();
  }

  async read(limit = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    while (this.#chunks.length === 0) {
      if (this.#failure) throw this.#failure;
      if (this.#ended) return undefined;
      await this.#more();
    }
    const first = this.#chunks[0]!;
    const taken = first.length > limit ? first.subarray(0, limit) : first;
    if (taken === first) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(limit);
    this.#buffered -= taken.length;
    return taken;
  }

  async readUntil(mark: string, limit: number): Promise<Buffer> {
    for (;;) {
      const held = this.#chunks[0];
      const at = held === undefined ? -1 : held.indexOf(mark, 0, 'latin1');
      if (held !== undefined && at >= 0) {
        const rest = held.subarray(at + mark.length);
        if (rest.length > 0) this.#chunks[0] = rest;
        else this.#chunks.shift();
        this.#buffered -= at + mark.length;
        return held.subarray(0, at);
      }
      if (this.#chunks.length > 1) {
        this.#chunks = [Buffer.concat(this.#chunks)];
        continue;
      }
      if (this.#failure) throw this.#failure;
      if (this.#ended) throw new TugError('unavailable', 'the engine closed the connection without a whole answer');
      if (this.#buffered > limit + mark.length)
        throw new TugError('unavailable', 'the engine sent an answer that is too long');
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    if (this.#paused) {
      this.#paused = false;
      this.#flow.resume();
    }
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}
