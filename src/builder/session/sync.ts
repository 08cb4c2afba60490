import { createHash } from 'node:crypto';
import { asTugError, invalid } from '../../base/errors.ts';
import { type Channel, type ChannelReader, readChannel } from '../../formats/channels.ts';
import { formatWanted, type ListedFile, parseListing } from '../../formats/context-listing.ts';
import { type ByteString, parentOf } from '../../images/unpack/names.ts';
import { type Packed, packedTree } from '../sources/packed-tree.ts';
import type { SourceNode, SourceTree } from '../sources/tree.ts';
import type { KeptContext, KeptContexts, KeptFile } from './kept-contexts.ts';

/** A context that a client's folder was compared with. */
export interface SyncedContext extends AsyncDisposable {
  readonly tree: SourceTree;
  /** Bytes that had to be sent. */
  readonly sent: number;
}

const mostEntries = 10_000_000;
const writeSize = 1024 * 1024;
/** From so many bytes on a piece is written as it comes, without a copy. */
const largePiece = 128 * 1024;

/**
 * Takes the files of a client's folder over a channel: first their list, then the contents that are not here from an
 * earlier build of the same folder (the client's key says which). Interrupted, nothing is left.
 * @throws invalid for a bad list, exhausted when the disk is full, what the client fails with.
 */
export async function syncContext(kept: KeptContexts, channel: Channel, signal: AbortSignal): Promise<SyncedContext> {
  try {
    const reader = readChannel(channel);
    const key = (await reader.line())?.toString() ?? '';
    const used = await kept.use(key, (context) => bring(context, channel, reader, signal));
    const { files, fd, sent } = used.value;
    return {
      tree: packedTree(files, fd),
      sent,
      [Symbol.asyncDispose]: async () => used[Symbol.dispose](),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw asTugError(error);
  }
}

interface Brought {
  readonly files: ReadonlyMap<ByteString, Packed>;
  readonly fd: number;
  readonly sent: number;
}

async function bring(
  context: KeptContext,
  channel: Channel,
  reader: ChannelReader,
  signal: AbortSignal,
): Promise<Brought> {
  const listed = await readListing(reader, signal);
  const wanted = listed.flatMap(({ kind, name, mark }, number) =>
    kind === 'file' && context.files.get(name)?.mark !== mark ? [number] : [],
  );
  await channel.write(formatWanted(wanted));
  const before = context.position();
  const contents = new Map<ByteString, KeptFile>();
  const isWanted = new Set(wanted);
  for (const [number, { kind, name }] of listed.entries()) {
    const known = kind === 'file' && !isWanted.has(number) ? context.files.get(name) : undefined;
    if (known) contents.set(name, known);
  }
  await takeContents(context, reader, { listed, wanted, contents }, signal);
  context.files = contents;
  return { files: filesOf(listed, contents), fd: context.fd, sent: context.position() - before };
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

/** Of parts that are neither empty nor lead elsewhere. */
const isCleanName = (name: ByteString): boolean => !/(^|\/)\.{0,2}(\/|$)|\0/.test(name);

interface Contents {
  readonly listed: readonly ListedFile[];
  readonly wanted: readonly number[];
  readonly contents: Map<ByteString, KeptFile>;
}

/** Small files are written together. */
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
    const { name = '', mark = '' } = listed[number] ?? {};
    const stored = Number((await reader.take(8)).readBigUInt64BE());
    const offset = context.position() + size;
    const hash = createHash('sha256');
    for (let left = stored; left > 0; ) {
      const piece = await reader.some(Math.min(left, writeSize));
      hash.update(piece);
      waiting.push(piece);
      size += piece.length;
      left -= piece.length;
      if (size >= writeSize || piece.length >= largePiece) flush();
    }
    contents.set(name, { mark, offset, stored, digest: hash.digest('hex') });
  }
  flush();
}

const nothing: ReadonlyMap<string, Buffer> = new Map();

function filesOf(
  listed: readonly ListedFile[],
  contents: ReadonlyMap<ByteString, KeptFile>,
): ReadonlyMap<ByteString, Packed> {
  const files = new Map<ByteString, Packed>([['', plain({ ...common, kind: 'directory', mode: 0o755 })]]);
  for (const file of listed) {
    const { name, kind, target } = file;
    if (files.get(parentOf(name))?.node.kind !== 'directory')
      throw invalid('the list of the build context has a file without its folder', { code: 'bad-listing' });
    if (kind === 'hard-link') {
      const first = files.get(target);
      if (first?.node.kind !== 'file')
        throw invalid('the list of the build context has a link to what is no file', { code: 'bad-listing' });
      const linked = { ...first, node: { ...first.node, link: target } };
      files.set(target, linked);
      files.set(name, linked);
      continue;
    }
    const content = contents.get(name);
    files.set(name, content ? { ...content, node: nodeOf(file, content.stored) } : plain(nodeOf(file, 0)));
  }
  return files;
}

const plain = (node: SourceNode): Packed => ({ node, offset: 0, stored: 0, digest: '' });

const common = { uid: 0, gid: 0, mtime: 0n, size: 0, xattrs: nothing };

function nodeOf({ kind, mode, mtime, size, target }: ListedFile, stored: number): SourceNode {
  const time = BigInt(mtime) * 1_000_000_000n;
  if (kind === 'file') return { kind, mode, uid: 0, gid: 0, mtime: time, size: stored, xattrs: nothing };
  return {
    ...common,
    kind: kind === 'hard-link' ? 'file' : kind,
    mode: kind === 'symlink' ? 0o777 : mode,
    mtime: time,
    size: stored,
    ...(kind === 'symlink' ? { target: Buffer.from(target, 'latin1') } : {}),
    ...(kind.endsWith('-device') ? { device: { major: Math.floor(size / 2 ** 20), minor: size % 2 ** 20 } } : {}),
  };
}
