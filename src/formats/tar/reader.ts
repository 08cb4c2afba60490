import { describeEntry, longestName } from './attributes.ts';
import { badArchive, paddingOf, type SparseSegment, type TarEntry } from './entry.ts';
import { createFrames, type Next } from './framing.ts';
import { entryTypeOf, isZeroBlock, parseHeader, type TarHeader } from './header.ts';
import { parseNumber } from './numbers.ts';
import { type PaxRecord, parsePaxRecords } from './pax.ts';
import { checkSparseMap, createSparseMapReader, mostSegments, parseOldGnuSegments } from './sparse.ts';

/** Extended headers larger than this are refused. */
const largestPax = 1024 * 1024;

export interface TarHandler {
  /** An entry begins. */
  entry(entry: TarEntry): void;
  /** The next stored bytes of the entry: a view of what was fed, valid during the call. */
  data(chunk: Buffer): void;
  /** The entry's data is complete. */
  end(): void;
}

export interface TarReader {
  /**
   * Takes the next bytes of the archive, cut anywhere, and calls the handler for all that is complete.
   * What the handler throws is passed on, and the reader is then of no more use. Bytes after the archive's end
   * count for nothing.
   * @throws invalid `bad-archive`, with the byte in `details.offset`.
   */
  feed(chunk: Buffer): void;
  /** Says that no more comes. @throws invalid `bad-archive` when that cuts something off. A missing trailer is forgiven. */
  finish(): void;
}

/** What earlier headers said that counts for a later one, and who takes the block after a header. */
interface Context {
  readonly handler: TarHandler;
  zeroBlocks: number;
  globals: ReadonlyMap<string, PaxRecord>;
  locals: readonly PaxRecord[];
  longName: Buffer | undefined;
  longLink: Buffer | undefined;
  /** The extension header whose body is being read. */
  extension: string | undefined;
  /** Takes the next block instead of the header parser. */
  takeBlock: ((block: Buffer, offset: number) => Next) | undefined;
}

/**
 * A push parser for ustar, GNU and PAX archives. It is synchronous and copies no file data. Sparse files are
 * handed on as they are stored, with `entry.sparse` saying where the data belongs.
 */
export function createTarReader(handler: TarHandler): TarReader {
  const context: Context = {
    handler,
    zeroBlocks: 0,
    globals: new Map(),
    locals: [],
    longName: undefined,
    longLink: undefined,
    extension: undefined,
    takeBlock: undefined,
  };
  const frames = createFrames({
    block: (block, offset) =>
      context.takeBlock === undefined ? takeHeader(context, block, offset) : context.takeBlock(block, offset),
    body: (body, offset) => takeExtension(context, body, offset),
    data: (chunk) => handler.data(chunk),
    dataEnd: () => {
      handler.end();
      return { want: 'block' };
    },
  });
  return {
    feed: (chunk) => frames.feed(chunk),
    finish() {
      const { locals, longName, longLink, takeBlock } = context;
      const expecting =
        locals.length > 0 || longName !== undefined || longLink !== undefined || takeBlock !== undefined;
      if (frames.place === 'inside' || expecting) throw badArchive('the archive is cut off', frames.position);
    },
  };
}

function takeHeader(context: Context, block: Buffer, offset: number): Next {
  if (block[0] === 0 && isZeroBlock(block)) {
    context.zeroBlocks += 1;
    return { want: context.zeroBlocks === 2 ? 'nothing' : 'block' };
  }
  if (context.zeroBlocks > 0) throw badArchive('data after a block of zeros', offset);
  const header = parseHeader(block, offset);
  if ('xgLKV'.includes(header.flag)) {
    const bound = header.flag === 'x' || header.flag === 'g' ? largestPax : longestName + 1;
    if (header.size > bound) throw badArchive(`an extension header of more than ${bound} bytes`, offset);
    context.extension = header.flag;
    return { want: 'body', length: header.size };
  }
  return header.flag === 'S' ? takeOldSparse(context, header, block, offset) : takeEntry(context, header, offset);
}

function takeExtension(context: Context, body: Buffer, offset: number): Next {
  if (context.extension === 'x') context.locals = parsePaxRecords(body, offset);
  if (context.extension === 'g') context.globals = addGlobals(context.globals, parsePaxRecords(body, offset), offset);
  if (context.extension === 'L') context.longName = untilNul(body);
  if (context.extension === 'K') context.longLink = untilNul(body);
  return { want: 'block' };
}

/** Later records replace earlier ones of their key, so that what is kept is bounded. */
function addGlobals(before: ReadonlyMap<string, PaxRecord>, records: readonly PaxRecord[], offset: number) {
  const merged = new Map(before);
  for (const record of records) merged.set(record.key, record);
  let size = 0;
  for (const { key, value } of merged.values()) size += key.length + value.length;
  if (size > largestPax) throw badArchive(`global extended headers of more than ${largestPax} bytes`, offset);
  return merged;
}

/** Old GNU sparse files: the map begins in the header and may go on in blocks of its own. */
function takeOldSparse(context: Context, header: TarHeader, block: Buffer, start: number): Next {
  const size = parseNumber(block, 483, 12);
  if (size === undefined || size < 0) throw badArchive('malformed size of a sparse file', start);
  const { segments, continued } = parseOldGnuSegments(block, 'header', start);
  if (!continued) return takeEntry(context, header, start, { size, segments });
  context.takeBlock = (extension, offset) => {
    const more = parseOldGnuSegments(extension, 'extension', offset);
    segments.push(...more.segments);
    if (segments.length > mostSegments) throw badArchive('too large a sparse map', offset);
    if (more.continued) return { want: 'block' };
    context.takeBlock = undefined;
    return takeEntry(context, header, start, { size, segments });
  };
  return { want: 'block' };
}

function takeEntry(
  context: Context,
  header: TarHeader,
  offset: number,
  sparse?: { size: number; segments: SparseSegment[] },
): Next {
  const type = entryTypeOf(header);
  if (type === undefined) throw badArchive(`unknown type of entry ${JSON.stringify(header.flag)}`, offset);
  const { longName, longLink } = context;
  const records = [...context.globals.values(), ...context.locals];
  const { entry, mapInData } = describeEntry(header, type, { records, longName, longLink }, offset);
  context.locals = [];
  context.longName = undefined;
  context.longLink = undefined;
  if (sparse !== undefined) return announce(context, { ...entry, size: sparse.size, sparse: sparse.segments });
  if (mapInData) return takeSparseMap(context, entry);
  // A GNU dump directory carries a list of names that is of no use here.
  return announce(context, entry, header.flag === 'D' ? header.size + paddingOf(header.size) : 0);
}

/** PAX sparse format 1.0: whole blocks of map stand before the data and are counted in its size. */
function takeSparseMap(context: Context, entry: TarEntry): Next {
  const reader = createSparseMapReader();
  let rest = entry.storedSize;
  context.takeBlock = (block, offset) => {
    rest -= block.length;
    if (rest < 0) throw badArchive('sparse map that is longer than its file', offset);
    const sparse = reader.block(block, offset);
    if (sparse === undefined) return { want: 'block' };
    context.takeBlock = undefined;
    return announce(context, { ...entry, storedSize: rest, sparse });
  };
  return { want: 'block' };
}

function announce({ handler }: Context, entry: TarEntry, skipped = 0): Next {
  const { sparse, size, storedSize, offset } = entry;
  const checked = sparse === undefined ? undefined : checkSparseMap(sparse, size, storedSize, offset);
  handler.entry(checked === undefined ? entry : { ...entry, sparse: checked });
  if (storedSize > 0) return { want: 'data', length: storedSize };
  handler.end();
  return skipped > 0 ? { want: 'skip', length: skipped } : { want: 'block' };
}

function untilNul(body: Buffer): Buffer {
  const nul = body.indexOf(0);
  return Buffer.from(nul < 0 ? body : body.subarray(0, nul));
}
