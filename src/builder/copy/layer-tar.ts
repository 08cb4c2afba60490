import { createHash } from 'node:crypto';
import { invalid } from '../../base/errors.ts';
import { paddingOf } from '../../formats/tar/entry.ts';
import { inPieces } from '../../formats/tar/pieces.ts';
import { formatEntry } from '../../formats/tar/writer.ts';
import { baseName, readable, type SourceNode } from '../sources/tree.ts';
import type { CopyItem } from './plan.ts';

/**
 * A digest of all that a copy puts into a layer but the times: the same files give the same one, wherever they are from.
 * `told` hears what of each item it is made of.
 */
export async function digestOf(
  items: readonly CopyItem[],
  signal: AbortSignal,
  told?: (item: CopyItem, about: string) => void,
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
    told?.(item, text);
    hash.update(`${text}\n`);
  }
  return hash.digest('hex');
}

const pieceSize = 256 * 1024;

/**
 * The tar of a layer with these files. Names of one file that the source has several times are hard links. What is newer
 * than `epoch` (Unix seconds) gets that time; folders that are made get it, or the present.
 * @throws invalid for a name that stands for a deleted file in a layer.
 */
export async function* layerTar(items: readonly CopyItem[], epoch: number | undefined): AsyncGenerator<Buffer> {
  const links = new Map<string, string>();
  const now = epoch === undefined ? BigInt(Date.now()) * 1_000_000n : BigInt(epoch) * 1_000_000_000n;
  const writing: Writing = { links, now, clamp: epoch !== undefined };
  yield* inPieces(items, (item) => entryParts(item, writing), pieceSize);
}

interface Writing {
  /** The first name of each file that has several. */
  readonly links: Map<string, string>;
  /** Unix nanoseconds. */
  readonly now: bigint;
  readonly clamp: boolean;
}

async function* entryParts(item: CopyItem, { links, now, clamp }: Writing): AsyncGenerator<Buffer> {
  const { name, node, tree, path } = item;
  if (baseName(name).startsWith('.wh.'))
    throw invalid(`a file named ${readable(baseName(name))} would stand for a deleted one in a layer`, {
      code: 'bad-name',
    });
  const wanted = node.mtime < 0n ? now : node.mtime;
  const mtime = clamp && wanted > now ? now : wanted;
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
