import { blockSize, nothing, paddingOf } from './entry.ts';

/** What comes next in an archive. `body` and `data` are followed by the zeros that fill their last block. */
export type Next =
  | { readonly want: 'block' }
  /** Bytes that are needed all at once. */
  | { readonly want: 'body'; readonly length: number }
  /** Bytes that are handed on as they come. */
  | { readonly want: 'data'; readonly length: number }
  /** Whole blocks of no meaning. */
  | { readonly want: 'skip'; readonly length: number }
  | { readonly want: 'nothing' };

/** Each call says what comes next. `offset` is the place of the bytes in the archive; they are valid during the call. */
export interface FrameConsumer {
  block(block: Buffer, offset: number): Next;
  body(body: Buffer, offset: number): Next;
  data(chunk: Buffer): void;
  dataEnd(): Next;
}

export interface Frames {
  feed(chunk: Buffer): void;
  /** The first byte not consumed. */
  readonly position: number;
  /** `between` blocks, after the `end`, or `inside` something that is cut off if no more comes. */
  readonly place: 'between' | 'inside' | 'end';
}

/** Cuts what is fed into the pieces that the consumer asks for, beginning with a block. Copies only what straddles two chunks. */
export function createFrames(consumer: FrameConsumer): Frames {
  let want: Next['want'] = 'block';
  let rest = blockSize;
  let padding = 0;
  let collected: Buffer = nothing;
  let position = 0;

  const become = (next: Next): void => {
    want = next.want;
    rest = next.want === 'block' ? blockSize : next.want === 'nothing' ? 0 : next.length;
    padding = next.want === 'body' || next.want === 'data' ? paddingOf(rest) : 0;
    if (rest === 0 && want !== 'nothing') complete(nothing);
  };
  const complete = (bytes: Buffer): void => {
    const after = padding;
    const next = handOver(consumer, want, bytes, position - bytes.length);
    become(after > 0 && next.want === 'block' ? { want: 'skip', length: after } : next);
  };
  const stream = (chunk: Buffer, at: number): number => {
    const take = Math.min(rest, chunk.length - at);
    rest -= take;
    position += take;
    if (want === 'data') consumer.data(chunk.subarray(at, at + take));
    if (rest === 0) complete(nothing);
    return take;
  };
  const collect = (chunk: Buffer, at: number): number => {
    const take = Math.min(rest, chunk.length - at);
    const piece = chunk.subarray(at, at + take);
    rest -= take;
    position += take;
    const whole = collected.length === 0 ? piece : Buffer.concat([collected, piece]);
    collected = rest === 0 ? nothing : Buffer.from(whole);
    if (rest === 0) complete(whole);
    return take;
  };

  return {
    feed(chunk) {
      let at = 0;
      while (at < chunk.length && want !== 'nothing') {
        at += want === 'data' || want === 'skip' ? stream(chunk, at) : collect(chunk, at);
      }
    },
    get position() {
      return position;
    },
    get place() {
      if (want === 'nothing') return 'end';
      return (want === 'block' && rest === blockSize) || want === 'skip' ? 'between' : 'inside';
    },
  };
}

/** Gives the consumer what is complete, and returns what it wants next. */
function handOver(consumer: FrameConsumer, want: Next['want'], bytes: Buffer, offset: number): Next {
  if (want === 'block') return consumer.block(bytes, offset);
  if (want === 'body') return consumer.body(bytes, offset);
  return want === 'data' ? consumer.dataEnd() : { want: 'block' };
}
