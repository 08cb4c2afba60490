import * as path from 'node:path';
import { Readable } from 'node:stream';
import { unpackedStream } from '../../images/archive/unpacked-stream.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { readTarTree, type TarTree } from './tar-tree.ts';
import type { SourceTree } from './tree.ts';

const magics: readonly Buffer[] = [
  Buffer.from([0x1f, 0x8b]),
  Buffer.from('BZh'),
  Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
];
const headSize = 512;

let numbers = 0;

/** The files of an archive that lies in a tree; undefined when it is none. The caller disposes of it. */
export async function openArchive(
  build: { readonly folder: string; readonly signal: AbortSignal },
  tree: SourceTree,
  file: ByteString,
): Promise<TarTree | undefined> {
  if (tree.look(file)?.kind !== 'file') return undefined;
  const { folder, signal } = build;
  const head = await firstBytes(tree.read(file));
  const packed = isPacked(head);
  const isTar = packed
    ? isTarHeader(await firstBytes(content(tree, file, signal)).catch(() => empty))
    : isTarHeader(head);
  if (!isTar) return undefined;
  numbers += 1;
  const pack = path.join(folder, `archive-${numbers}`);
  return await readTarTree(content(tree, file, signal), { file: pack, rootOwned: false }, signal);
}

const empty = Buffer.alloc(0);

const content = (tree: SourceTree, file: ByteString, signal: AbortSignal): AsyncIterable<Buffer> =>
  unpackedStream(Readable.from(tree.read(file), { objectMode: false }), signal);

/** Whether an archive begins so, plain or compressed. */
export const isTarStart = (head: Buffer): boolean => isPacked(head) || isTarHeader(head.subarray(0, headSize));

const isPacked = (head: Buffer): boolean => magics.some((magic) => head.subarray(0, magic.length).equals(magic));

async function firstBytes(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const piece of pieces) {
    parts.push(piece);
    size += piece.length;
    if (size >= headSize) break;
  }
  return Buffer.concat(parts).subarray(0, headSize);
}

/** By its checksum, which old archives without a magic have too. */
function isTarHeader(block: Buffer): boolean {
  if (block.length < headSize) return false;
  const told = Number.parseInt(block.toString('latin1', 148, 156).replace(/[\0 ]/g, ''), 8);
  let sum = 0;
  for (let at = 0; at < headSize; at += 1) sum += at >= 148 && at < 156 ? 32 : (block[at] ?? 0);
  return told === sum && sum > 256;
}
