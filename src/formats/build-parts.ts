import { invalid } from '../base/errors.ts';

/**
 * The body of a build that brings more than its context: secrets, named contexts, and last the context. Parts follow one
 * another in frames: a byte of a kind, four of a length (big endian), and as many of content. `head` frames begin a part,
 * with JSON; `data` frames are its content, the next head or the end of the body ends it.
 */
export type PartHead =
  | { readonly kind: 'secret'; readonly id: string }
  /** In place of the one of the context. */
  | { readonly kind: 'dockerfile' }
  /** The build context has the empty name. */
  | { readonly kind: 'context'; readonly name: string };

const kinds = { head: 1, data: 2 } as const;
const mostHead = 64 * 1024;
const mostFrame = 1024 * 1024;

/** Writes parts, one after another. */
export async function* formatParts(
  parts: Iterable<{ readonly head: PartHead; readonly content: AsyncIterable<Uint8Array> }>,
): AsyncGenerator<Buffer> {
  for (const { head, content } of parts) {
    yield frame(kinds.head, Buffer.from(JSON.stringify(head)));
    for await (const piece of content) {
      for (let at = 0; at < piece.length; at += mostFrame) yield frame(kinds.data, piece.subarray(at, at + mostFrame));
    }
  }
}

function frame(kind: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** A part on its way in. Its content must be read to its end, or left, before the next part comes. */
export interface ReadPart {
  readonly head: unknown;
  readonly content: AsyncGenerator<Buffer>;
}

/** Reads parts. @throws invalid for what `formatParts` does not write. */
export async function* readParts(body: AsyncIterable<Uint8Array>): AsyncGenerator<ReadPart> {
  const frames = readFrames(body);
  let next = await frames.next();
  while (!next.done) {
    if (next.value.kind !== kinds.head) throw malformed();
    const head = parseHead(next.value.content);
    let ended = false;
    async function* content(): AsyncGenerator<Buffer> {
      for (;;) {
        next = await frames.next();
        if (next.done || next.value.kind === kinds.head) break;
        yield next.value.content;
      }
      ended = true;
    }
    const generator = content();
    yield { head, content: generator };
    while (!ended) if ((await generator.next()).done) break;
    if (!ended) while (!next.done && next.value.kind !== kinds.head) next = await frames.next();
  }
}

function parseHead(content: Buffer): unknown {
  if (content.length > mostHead) throw malformed();
  try {
    return JSON.parse(content.toString()) as unknown;
  } catch {
    throw malformed();
  }
}

const malformed = (): Error => invalid('the body of the build is malformed', { code: 'bad-parts' });

async function* readFrames(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ kind: number; content: Buffer }> {
  let waiting = Buffer.alloc(0);
  for await (const chunk of body) {
    waiting = waiting.length === 0 ? Buffer.from(chunk) : Buffer.concat([waiting, chunk]);
    while (waiting.length >= 5) {
      const kind = waiting.readUInt8(0);
      const length = waiting.readUInt32BE(1);
      if ((kind !== kinds.head && kind !== kinds.data) || length > mostFrame) throw malformed();
      if (waiting.length < 5 + length) break;
      yield { kind, content: waiting.subarray(5, 5 + length) };
      waiting = waiting.subarray(5 + length);
    }
  }
  if (waiting.length > 0) throw malformed();
}
