import { createHash } from 'node:crypto';
import { asTugError, invalid } from '../../base/errors.ts';
import { type Channel, type ChannelReader, readChannel } from '../../formats/channels.ts';
import {
  formatNeeds,
  formatWanted,
  isCleanName,
  type ListedFile,
  type NeededPath,
  parseListing,
} from '../../formats/context-listing.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { largeContent, writeHashed } from '../sources/own-content.ts';
import type { SourceNode } from '../sources/tree.ts';
import type { Answered, ClientFile } from './client-tree.ts';
import type { KeptContext, KeptContexts, KeptFile } from './kept-contexts.ts';

const mostEntries = 10_000_000;
const writeSize = 1024 * 1024;
/** From so many bytes on a piece is written as it comes, without a copy. */
const largePiece = 128 * 1024;

/** What of a client's folder is asked for; see `SourceTree.bring`. */
export interface Asked {
  readonly needs: readonly NeededPath[];
  readonly leaveOut: ((path: ByteString) => boolean) | undefined;
}

/**
 * Asks a client for files of its folder: first for their list, then for the contents that are not here from an earlier
 * build of the same folder (the client's key says which). The contents stay until the answer is disposed of. Interrupted,
 * nothing is left.
 * @throws invalid for a bad list, exhausted when the disk is full, what the client fails with.
 */
export async function askForFiles(
  kept: KeptContexts,
  channel: Channel,
  asked: Asked,
  signal: AbortSignal,
): Promise<Answered & Disposable> {
  try {
    await channel.write(formatNeeds(asked.needs));
    const reader = readChannel(channel);
    const key = (await reader.line())?.toString() ?? '';
    const work = (context: KeptContext) => take(context, channel, { reader, asked, signal });
    const { value, [Symbol.dispose]: release } = await kept.use(key, work);
    return { ...value, [Symbol.dispose]: release };
  } catch (error) {
    signal.throwIfAborted();
    throw asTugError(error);
  }
}

interface Taking {
  readonly reader: ChannelReader;
  readonly asked: Asked;
  readonly signal: AbortSignal;
}

async function take(context: KeptContext, channel: Channel, { reader, asked, signal }: Taking): Promise<Answered> {
  const listed = await readListing(reader, signal);
  const contents = listed.map((file) => keptContent(context, file));
  const { wanted, again } = chooseWanted(listed, contents, asked);
  await channel.write(formatWanted(wanted));
  await takeContents(context, reader, { listed, wanted, contents }, signal);
  for (const [number, first] of again) contents[number] = contents[first];
  for (const number of [...wanted, ...again.keys()]) {
    const [file, content] = [listed[number], contents[number]];
    if (file && content) context.keep(file.name, content);
  }
  const sent = wanted.reduce((sum, number) => sum + (contents[number]?.stored ?? 0), 0);
  return { files: filesOf(listed, contents, context.fd), sent };
}

/**
 * The numbers of the files whose content is to be sent, and those of further names of one of them (the mark says that they
 * are the same file) with its number.
 */
function chooseWanted(
  listed: readonly ListedFile[],
  contents: readonly (KeptFile | undefined)[],
  { leaveOut }: Asked,
): { wanted: number[]; again: Map<number, number> } {
  const wanted: number[] = [];
  const again = new Map<number, number>();
  const firsts = new Map<string, number>();
  for (const [number, { name, kind, mark, target }] of listed.entries()) {
    if (mark === '' || contents[number] || leaveOut?.(name) === true) continue;
    const first = kind === 'file' && target !== '' ? firsts.get(mark) : undefined;
    if (first !== undefined) {
      again.set(number, first);
      continue;
    }
    if (target !== '') firsts.set(mark, number);
    wanted.push(number);
  }
  return { wanted, again };
}

function keptContent({ files, use }: KeptContext, { name, mark }: ListedFile): KeptFile | undefined {
  const known = mark === '' ? undefined : files.get(name);
  if (known?.mark !== mark) return undefined;
  known.use = use;
  return known;
}

async function readListing(reader: ChannelReader, signal: AbortSignal): Promise<ListedFile[]> {
  const listed: ListedFile[] = [];
  for (;;) {
    const lines = await reader.lines();
    signal.throwIfAborted();
    if (lines === undefined) throw invalid('the list of the build context was cut off', { code: 'bad-listing' });
    const { files, ended } = parseListing(lines);
    for (const file of files) {
      if (!isCleanName(file.name))
        throw invalid('the list of the build context has a bad name', { code: 'bad-listing' });
      listed.push(file);
    }
    if (listed.length > mostEntries) throw invalid(`the context has more than ${mostEntries} entries`);
    if (ended) return listed;
  }
}

interface Contents {
  readonly listed: readonly ListedFile[];
  readonly wanted: readonly number[];
  /** By the files' numbers. */
  readonly contents: (KeptFile | undefined)[];
}

/** Small files are written together, large ones each to a file of its own. */
async function takeContents(
  context: KeptContext,
  reader: ChannelReader,
  { listed, wanted, contents }: Contents,
  signal: AbortSignal,
): Promise<void> {
  let waiting: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    if (size > 0) context.append(waiting.length === 1 && waiting[0] ? waiting[0] : Buffer.concat(waiting, size));
    waiting = [];
    size = 0;
  };
  for (const number of wanted) {
    signal.throwIfAborted();
    const { mark = '' } = listed[number] ?? {};
    const stored = Number((await reader.take(8)).readBigUInt64BE());
    const own = stored >= largeContent ? context.separate() : undefined;
    if (own) {
      const digest = await writeHashed(own.fd, contentOf(reader, stored, signal));
      contents[number] = { mark, offset: 0, stored, digest, own, use: context.use };
      continue;
    }
    const offset = context.position() + size;
    const hash = stored === 0 ? undefined : createHash('sha256');
    for (let left = stored; left > 0; ) {
      const piece = await reader.some(Math.min(left, writeSize));
      hash?.update(piece);
      waiting.push(piece);
      size += piece.length;
      left -= piece.length;
      if (size >= writeSize || piece.length >= largePiece) flush();
    }
    const digest = hash?.digest('hex') ?? emptyDigest;
    contents[number] = { mark, offset, stored, digest, own: undefined, use: context.use };
  }
  flush();
}

async function* contentOf(reader: ChannelReader, stored: number, signal: AbortSignal): AsyncGenerator<Buffer> {
  for (let left = stored; left > 0; ) {
    signal.throwIfAborted();
    const piece = await reader.some(Math.min(left, writeSize));
    yield piece;
    left -= piece.length;
  }
}

const emptyDigest = createHash('sha256').digest('hex');
const nothing: ReadonlyMap<string, Buffer> = new Map();

function* filesOf(
  listed: readonly ListedFile[],
  contents: readonly (KeptFile | undefined)[],
  fd: number,
): Generator<ClientFile> {
  const nodeOf = createNodes();
  for (const [number, file] of listed.entries()) {
    const content = contents[number];
    const shared = file.kind === 'file' ? file.target : '';
    yield {
      name: file.name,
      node: nodeOf(file, content?.stored ?? file.size),
      shared,
      fd: content?.own?.fd ?? fd,
      content,
    };
  }
}

/** There may be millions: no more of an object than is needed, and one number for all files of one second. */
function createNodes(): (file: ListedFile, stored: number) => SourceNode {
  let last = 0;
  let mtime = 0n;
  return ({ kind, mode, mtime: seconds, size, target }, stored) => {
    if (seconds !== last) mtime = BigInt(seconds) * 1_000_000_000n;
    last = seconds;
    if (kind === 'file') return { kind, mode, uid: 0, gid: 0, mtime, size: stored, xattrs: nothing };
    const plain = { kind, mode, uid: 0, gid: 0, mtime, size: 0, xattrs: nothing };
    if (kind === 'symlink') return { ...plain, mode: 0o777, target: Buffer.from(target, 'latin1') };
    if (!kind.endsWith('-device')) return plain;
    return { ...plain, device: { major: Math.floor(size / 2 ** 20), minor: size % 2 ** 20 } };
  };
}
