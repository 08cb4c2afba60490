import * as fs from 'node:fs';
import { tarTrailer } from '../../formats/tar/writer.ts';
import { entryParts, type LocalFile } from './entry-parts.ts';
import { look } from './local.ts';
import { type Rename, splitEntry } from './paths.ts';

/**
 * A file or folder of this host as a tar, named by its last part, or `.` for a path that ends in `/.`, and then renamed.
 * Owners, modes, times, links and devices are in it; extended attributes and sockets are not. Memory is bounded.
 * @throws invalid when something cannot be read; a file that shrinks meanwhile is filled up with zeros.
 */
export async function* packFiles(source: string, rename: Rename): AsyncGenerator<Buffer> {
  const { folder, base } = splitEntry(source);
  const links = new Map<string, Buffer>();
  const top = Buffer.from(`${folder === '/' ? '' : folder}/${base}`).toString('latin1');
  const first = Buffer.from(base).toString('latin1');
  for (const { file, name } of walk(top, first)) yield* entryParts(describe(file, rename(name)), links);
  yield tarTrailer();
}

/** Paths are bytes as latin1 text. A folder comes before what is in it, names in order. */
function* walk(file: string, name: string): Generator<{ file: Buffer; name: string }> {
  const pending = [[{ file, name }]];
  for (let entries = pending.at(-1); entries; entries = pending.at(-1)) {
    const entry = entries.pop();
    if (!entry) {
      pending.pop();
      continue;
    }
    const bytes = Buffer.from(entry.file, 'latin1');
    yield { file: bytes, name: entry.name };
    if (!fs.lstatSync(bytes, { throwIfNoEntry: false })?.isDirectory()) continue;
    const names = look('open', bytes, () => fs.readdirSync(bytes, { encoding: 'buffer' }));
    const inside = names.map((one) => one.toString('latin1')).sort((a, b) => (a < b ? 1 : -1));
    pending.push(inside.map((one) => ({ file: `${entry.file}/${one}`, name: `${entry.name}/${one}` })));
  }
}

function describe(file: Buffer, name: string): LocalFile {
  const stat = look('lstat', file, () => fs.lstatSync(file, { bigint: true }));
  return { file, name, stat, owner: { uid: Number(stat.uid), gid: Number(stat.gid) } };
}
