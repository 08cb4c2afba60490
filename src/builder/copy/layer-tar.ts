import { createHash } from 'node:crypto';
import { invalid } from '../../base/errors.ts';
import { paddingOf } from '../../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../../formats/tar/writer.ts';
import type { LayerFile, LayerPart, LayerRun } from '../../images/builds/contract.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { largeContent, type OwnContent } from '../sources/own-content.ts';
import { baseName, readable, type SourceNode } from '../sources/tree.ts';
import { isSame, type MadeFile, type MadeFiles } from './made-layers.ts';
import type { CopyItem } from './plan.ts';

/**
 * A digest of all that a copy puts into a layer but the times: the same files give the same one, wherever they are from.
 * `told` hears what of each item it is made of, and the digest of its content.
 */
export async function digestOf(
  items: readonly CopyItem[],
  signal: AbortSignal,
  told?: (item: CopyItem, about: string, content: string) => void,
): Promise<string> {
  const hash = createHash('sha256');
  for (const item of items) {
    signal.throwIfAborted();
    const { name, node, tree, path } = item;
    const { kind, mode, uid, gid, size, target, xattrs, device } = node;
    const attributes = [...xattrs].map(([key, value]) => [key, value.toString('base64')]).sort();
    const content = kind === 'file' && tree ? await tree.digest(path) : '';
    const about = [name, kind, mode, uid, gid, size, target?.toString('latin1'), attributes, device, content];
    const text = JSON.stringify(about);
    told?.(item, text, content);
    hash.update(`${text}\n`);
  }
  return hash.digest('hex');
}

const pieceSize = 256 * 1024;

/** A layer that was made before, and what is known of the one that is being made. */
export interface TarMemory {
  /** Digests of the contents, by name; what has none is not remembered. */
  readonly contents: ReadonlyMap<ByteString, string>;
  readonly earlier: MadeFiles | undefined;
  /** Gets where each file came to lie. */
  readonly made: Map<ByteString, MadeFile>;
}

/**
 * The tar of a layer with these files. Names of one file that the source has several times are hard links. What is newer
 * than `epoch` (Unix seconds) gets that time; folders that are made get it, or the present. Files that the earlier layer
 * has just so are given as where they are in its tar.
 * @throws invalid for a name that stands for a deleted file in a layer.
 */
export async function* layerParts(
  items: readonly CopyItem[],
  epoch: number | undefined,
  { contents, earlier, made }: TarMemory,
): AsyncGenerator<LayerPart> {
  const now = epoch === undefined ? BigInt(Date.now()) * 1_000_000n : BigInt(epoch) * 1_000_000_000n;
  const writing: Writing = { links: new Map<string, string>(), now, clamp: epoch !== undefined };
  const joined = createJoiner();
  for (const item of items) {
    const mtime = timeOf(item.node, writing);
    const content = contents.get(item.name);
    const simple = content === undefined ? undefined : simpleFile(item, mtime, content);
    const same = simple && earlier?.get(item.name);
    if (simple && same && isSame(same, simple)) {
      made.set(item.name, { ...same, at: joined.position() });
      yield* joined.run(item.name, same);
      continue;
    }
    const at = joined.position();
    const own = simple && item.tree?.own?.(item.path);
    if (own) yield* joined.file(ownFile(item, mtime, own));
    else for await (const part of entryParts(item, mtime, writing)) yield* joined.bytes(part);
    if (simple) made.set(item.name, { ...simple, at, length: joined.position() - at });
  }
  yield* joined.bytes(tarTrailer());
  yield* joined.end();
}

/** The same without anything to take from. */
export async function* layerTar(items: readonly CopyItem[], epoch: number | undefined): AsyncGenerator<Buffer> {
  const memory = { contents: new Map(), earlier: undefined, made: new Map() };
  for await (const part of layerParts(items, epoch, memory)) if (Buffer.isBuffer(part)) yield part;
}

/** Joins small pieces, and runs that follow one another, and keeps count of the bytes. */
function createJoiner() {
  let position = 0;
  let parts: Buffer[] = [];
  let gathered = 0;
  let run: { at: number; length: number; size: number; names: ByteString[] } | undefined;
  function* end(): Generator<Buffer | LayerRun> {
    if (gathered > 0) yield Buffer.concat(parts, gathered);
    if (run) yield run;
    parts = [];
    gathered = 0;
    run = undefined;
  }
  return {
    end,
    position: () => position,
    *bytes(part: Buffer): Generator<Buffer | LayerRun> {
      if (run) yield* end();
      parts.push(part);
      gathered += part.length;
      position += part.length;
      if (gathered >= pieceSize) yield* end();
    },
    *file(file: LayerFile): Generator<LayerPart> {
      yield* end();
      yield file;
      position += file.head.length + file.size + file.padding;
    },
    *run(name: ByteString, { at, length, size }: MadeFile): Generator<Buffer | LayerRun> {
      if (!run || run.at + run.length !== at) {
        yield* end();
        run = { at, length: 0, size: 0, names: [] };
      }
      run.names.push(name);
      run.length += length;
      run.size += size;
      position += length;
    },
  };
}

interface Writing {
  /** The first name of each file that has several. */
  readonly links: Map<string, string>;
  /** Unix nanoseconds. */
  readonly now: bigint;
  readonly clamp: boolean;
}

function timeOf({ mtime }: SourceNode, { now, clamp }: Writing): bigint {
  const wanted = mtime < 0n ? now : mtime;
  return clamp && wanted > now ? now : wanted;
}

/** A file of one name without anything special, which is the same wherever what is told of it here is. */
function simpleFile({ node }: CopyItem, mtime: bigint, content: string): MadeFile | undefined {
  const { kind, mode, uid, gid, size, sparse, xattrs, link } = node;
  if (kind !== 'file' || sparse || link !== undefined || xattrs.size > 0) return undefined;
  return { mode, uid, gid, size, mtime, content, at: 0, length: 0 };
}

function ownFile({ name, node }: CopyItem, mtime: bigint, { fd, give }: OwnContent): LayerFile {
  checkName(name);
  const { size, mode, uid, gid } = node;
  const head = formatEntry({ ...described(node), name: Buffer.from(name, 'latin1'), mtime });
  return { head, padding: paddingOf(size), fd, size, name, mode, uid, gid, mtime, give };
}

/** @throws invalid for a name that stands for a deleted file. */
function checkName(name: ByteString): void {
  if (baseName(name).startsWith('.wh.'))
    throw invalid(`a file named ${readable(baseName(name))} would stand for a deleted one in a layer`, {
      code: 'bad-name',
    });
}

/** Whether links to files that have their content to themselves save most of a layer's bytes. */
export function areMostlyOwn(items: readonly CopyItem[]): boolean {
  let all = 0;
  let own = 0;
  for (const { node, tree, path } of items) {
    if (node.kind !== 'file') continue;
    all += node.size;
    if (node.size >= largeContent && tree?.own?.(path)) own += node.size;
  }
  return own * 2 > all;
}

async function* entryParts(item: CopyItem, mtime: bigint, { links }: Writing): AsyncGenerator<Buffer> {
  const { name, node, tree, path } = item;
  checkName(name);
  const input = { ...described(node), name: Buffer.from(name, 'latin1'), mtime };
  if (node.kind !== 'file' || !tree) {
    yield formatEntry(input);
    return;
  }
  const first = node.link === undefined ? undefined : links.get(`${node.link} ${node.uid} ${node.gid} ${node.mode}`);
  if (first !== undefined) {
    const { size: _size, sparse: _sparse, xattrs: _xattrs, ...plain } = input;
    yield formatEntry({ ...plain, type: 'hard-link', linkName: Buffer.from(first, 'latin1') });
    return;
  }
  if (node.link !== undefined) links.set(`${node.link} ${node.uid} ${node.gid} ${node.mode}`, name);
  yield formatEntry(input);
  let stored = 0;
  for await (const chunk of tree.read(path)) {
    yield chunk;
    stored += chunk.length;
  }
  const expected = node.sparse ? node.sparse.reduce((sum, { length }) => sum + length, 0) : node.size;
  if (stored !== expected) throw invalid(`${readable(path)} changed while it was copied`, { code: 'changed' });
  if (paddingOf(stored) > 0) yield Buffer.alloc(paddingOf(stored));
}

function described({ kind, mode, uid, gid, size, sparse, target, xattrs, device }: SourceNode) {
  return {
    ...{ type: kind, mode, uid, gid, xattrs },
    ...(kind === 'file' ? { size, sparse } : {}),
    ...(target ? { linkName: target } : {}),
    ...(device ? { deviceMajor: device.major, deviceMinor: device.minor } : {}),
  };
}
