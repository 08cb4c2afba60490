import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { invalid, notFound } from '../../../../base/errors.ts';
import type { ByteRange } from '../../../contract.ts';
import { type Bucket, type Piece, severalAtOnce } from './bucket.ts';

/** A stretch of a file that is being written, kept as an object that never changes. */
interface Chunk {
  readonly key: string;
  readonly start: number;
  readonly size: number;
}

/** A file being written: its chunks, one behind the other. */
interface Growth {
  readonly chunks: Chunk[];
  size: number;
}

/**
 * Files that grow in a store whose objects cannot: each is a row of objects below its own key, named by where they
 * start and a random word, so that what one process wrote is never changed by another. Any process reads the row from
 * the store and goes on with it. What this process has read or written of a file it keeps by, and joins exactly that
 * into the finished file: the bytes that were verified here, whatever another process may do meanwhile.
 */
export interface GrowingFiles {
  append(key: string, offset: number, data: Readable): Promise<number>;
  /** Undefined where nothing is being written under this key. */
  size(key: string): Promise<number | undefined>;
  read(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /** Makes the finished object in one step; false where nothing is being written under this key. */
  finish(key: string, to: string): Promise<boolean>;
  forget(key: string): void;
}

/** How many files' chunks are remembered: those that nobody finishes are forgotten, the oldest first. */
const remembered = 10_000;
/** What a store takes as a part of an object (AWS, "Amazon S3 multipart upload limits"). */
const smallestPart = 5 * 1024 * 1024;

const folderOf = (key: string): string => `${key}/.part-`;

export function createGrowingFiles(bucket: Bucket, chunkSize: number): GrowingFiles {
  const known = new Map<string, Growth>();
  const remember = (key: string, growth: Growth): Growth => {
    known.delete(key);
    known.set(key, growth);
    const [oldest] = known.keys();
    if (known.size > remembered && oldest !== undefined) known.delete(oldest);
    return growth;
  };
  const look = async (key: string): Promise<Growth | undefined> => {
    const chunks = await listChunks(bucket, key);
    return chunks.length === 0 ? undefined : rowOf(chunks);
  };
  return {
    append: async (key, offset, data) => {
      let growth = known.get(key);
      if (growth?.size !== offset) growth = await look(key);
      growth ??= { chunks: [], size: 0 };
      if (offset > growth.size) {
        throw invalid(`offset ${offset} lies behind the end at ${growth.size}`, { code: 'range-invalid' });
      }
      const cut = await cutAt(bucket, growth, offset);
      remember(key, growth);
      await grow(bucket, key, growth, chunkSize, cut.carried, data, async () => {
        for (const { key: dropped } of cut.dropped.splice(0)) await bucket.delete(dropped);
      });
      return growth.size;
    },
    size: async (key) => (await look(key))?.size,
    read: async (key, range) => {
      const growth = await look(key);
      if (growth === undefined) return undefined;
      remember(key, growth);
      return Readable.from(bytesOf(bucket, growth, range), { objectMode: false });
    },
    finish: async (key, to) => {
      const growth = known.get(key) ?? (await look(key));
      if (growth === undefined) return false;
      await finish(bucket, growth, to);
      return true;
    },
    forget: (key) => void known.delete(key),
  };
}

async function listChunks(bucket: Bucket, key: string): Promise<Chunk[]> {
  const chunks: Chunk[] = [];
  const prefix = folderOf(key);
  for await (const listed of bucket.list({ prefix })) {
    const start = Number.parseInt(listed.key.slice(prefix.length), 10);
    if (!listed.folder && Number.isSafeInteger(start)) chunks.push({ key: listed.key, start, size: listed.size });
  }
  return chunks;
}

/** The chunks that follow each other from the start. Of several at one place, which a killed process may leave, the longest. */
function rowOf(chunks: readonly Chunk[]): Growth {
  const row: Growth = { chunks: [], size: 0 };
  for (;;) {
    const here = chunks.filter(({ start, size }) => start === row.size && size > 0);
    const longest = here.sort((a, b) => b.size - a.size)[0];
    if (longest === undefined) return row;
    row.chunks.push(longest);
    row.size += longest.size;
  }
}

/** Takes from the row what lies behind the offset; what of a chunk lies before it is carried over to the next one. */
async function cutAt(bucket: Bucket, growth: Growth, offset: number): Promise<{ carried: Buffer; dropped: Chunk[] }> {
  const first = growth.chunks.findIndex(({ start, size }) => start + size > offset);
  if (first < 0) return { carried: Buffer.alloc(0), dropped: [] };
  const dropped = growth.chunks.slice(first);
  const start = dropped[0]?.start ?? 0;
  const carried =
    offset > start && dropped[0]
      ? await buffer(await bucket.read(dropped[0].key, { start: 0, end: offset - start - 1 }))
      : Buffer.alloc(0);
  growth.chunks.splice(first);
  growth.size = start;
  return { carried, dropped };
}

/**
 * Stores the data in chunks, one being sent while the next fills up. What came before an error of `data` is stored too.
 * Killed at any moment, what is stored counts.
 */
async function grow(
  bucket: Bucket,
  key: string,
  growth: Growth,
  chunkSize: number,
  carried: Buffer,
  data: Readable,
  stored: () => Promise<void>,
): Promise<void> {
  let held: Buffer[] = carried.length > 0 ? [carried] : [];
  let length = carried.length;
  let sending: Promise<void> = Promise.resolve();
  const send = async (content: Buffer): Promise<void> => {
    const word = randomBytes(6).toString('hex');
    const chunk = `${folderOf(key)}${String(growth.size).padStart(15, '0')}-${word}`;
    await bucket.put(chunk, content);
    if (content.length > 0) growth.chunks.push({ key: chunk, start: growth.size, size: content.length });
    growth.size += content.length;
    await stored();
  };
  const flush = async (): Promise<void> => {
    await sending;
    const content = Buffer.concat(held, length);
    held = [];
    length = 0;
    sending = send(content);
    sending.catch(() => undefined); // seen by whoever waits for it next
  };
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (const piece of data as AsyncIterable<Buffer>) {
      held.push(piece);
      length += piece.length;
      if (length >= chunkSize) await flush();
    }
  } catch (error) {
    failure = { error };
  }
  if (length > 0 || growth.chunks.length === 0) await flush();
  await sending;
  await stored();
  if (failure) throw failure.error;
}

async function* bytesOf(bucket: Bucket, growth: Growth, range: ByteRange | undefined): AsyncIterable<Buffer> {
  const first = range?.start ?? 0;
  const last = Math.min(range?.end ?? growth.size - 1, growth.size - 1);
  for (const { key, start, size } of [...growth.chunks]) {
    const from = Math.max(first - start, 0);
    const to = Math.min(last - start, size - 1);
    if (from <= to) yield* (await bucket.read(key, { start: from, end: to })) as AsyncIterable<Buffer>;
  }
}

async function finish(bucket: Bucket, { chunks, size }: Growth, to: string): Promise<void> {
  const [only, ...others] = chunks;
  if (only === undefined) return bucket.put(to, Buffer.alloc(0));
  if (others.length === 0) return bucket.copy(only.key, to);
  const pieces = await severalAtOnce(parts(chunks), 4, async (part) => {
    const [alone, ...more] = part;
    if (alone !== undefined && more.length === 0) return { key: alone.key } satisfies Piece;
    const contents = await severalAtOnce(part, 4, async ({ key }) => buffer(await bucket.read(key)));
    return Buffer.concat(contents);
  });
  const joined = chunks.reduce((sum, chunk) => sum + chunk.size, 0);
  if (joined !== size) throw notFound(`chunks of ${to} are missing`);
  return bucket.join(to, pieces);
}

/** Chunks in groups that are large enough to be parts of an object. */
function parts(chunks: readonly Chunk[]): Chunk[][] {
  const groups: Chunk[][] = [];
  let group: Chunk[] = [];
  let size = 0;
  for (const chunk of chunks) {
    group.push(chunk);
    size += chunk.size;
    if (size < smallestPart) continue;
    groups.push(group);
    group = [];
    size = 0;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
