import * as fs from 'node:fs';
import * as path from 'node:path';
import { runChecked } from '../src/base/process.ts';
import { paddingOf } from '../src/formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../src/formats/tar/writer.ts';

/** Files that are made up for a layer. */
export interface MadeUpFiles {
  readonly files: number;
  /** Bytes of a file; sizes spread around it as they do in a file system, few large and many small. */
  readonly mean: number;
}

const poolSize = 96 * 2 ** 20;
const pieceSize = 256 * 1024;

/** Real content of a distribution's files, to cut pieces from that compress as programs do. */
export function readPool(tree: string): Buffer {
  const pool = Buffer.alloc(poolSize);
  let filled = 0;
  const names = fs.readdirSync(path.join(tree, 'usr'), { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files.sort()) {
    if (filled === poolSize) break;
    filled += fs.readFileSync(file).copy(pool, filled);
  }
  return pool.subarray(0, filled);
}

/** Packs a folder as a layer. */
export async function packTree(tree: string, file: string): Promise<void> {
  await runChecked('tar', ['--numeric-owner', '--sort=name', '--format=posix', '-C', tree, '-cf', file, '.']);
}

/** Writes a layer of made-up files in a folder of the root; the same pool and arguments give the same bytes. */
export function packMadeUp(pool: Buffer, folder: string, { files, mean }: MadeUpFiles, file: string): void {
  const random = createRandom(folder);
  const out = fs.openSync(file, 'w');
  const write = (bytes: Buffer): void => void fs.writeSync(out, bytes);
  try {
    write(formatEntry({ name: `${folder}/`, type: 'directory', mode: 0o755 }));
    for (let index = 0; index < files; index += 1) {
      const into = `${folder}/part-${Math.floor(index / 100)}`;
      if (index % 100 === 0) write(formatEntry({ name: `${into}/`, type: 'directory', mode: 0o755 }));
      const size = Math.ceil(Math.min(-Math.log(1 - random()), 6) * mean);
      const mtime = BigInt(1_600_000_000 + index) * 1_000_000_000n;
      write(formatEntry({ name: `${into}/file-${index}`, type: 'file', mode: 0o644, size, mtime }));
      for (let left = size; left > 0; ) {
        const length = Math.min(left, pieceSize);
        const at = Math.floor(random() * (pool.length - length));
        write(pool.subarray(at, at + length));
        left -= length;
      }
      write(Buffer.alloc(paddingOf(size)));
    }
    write(tarTrailer());
  } finally {
    fs.closeSync(out);
  }
}

/** Numbers from 0 to 1 that are the same on every run. */
function createRandom(seed: string): () => number {
  let state = [...seed].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
