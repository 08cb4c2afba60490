import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { paddingOf } from '../../formats/tar/entry.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from '../../formats/tar/writer.ts';
import { look } from './local.ts';
import { type Rename, splitEntry } from './paths.ts';

const pieceSize = 256 * 1024;

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
  for (const { file, name } of walk(top, first)) yield* entryParts(file, rename(name), links);
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

async function* entryParts(file: Buffer, name: string, links: Map<string, Buffer>): AsyncGenerator<Buffer> {
  const stat = look('lstat', file, () => fs.lstatSync(file, { bigint: true }));
  const type = entryTypeOf(stat);
  if (type === undefined) return;
  const archiveName = Buffer.from(name, 'latin1');
  const { uid, gid } = stat;
  const mtime = stat.mtimeNs - (stat.mtimeNs % 1_000_000_000n); // whole seconds, as Docker's client sends them
  const common = { name: archiveName, mode: Number(stat.mode) & 0o7777, uid: Number(uid), gid: Number(gid), mtime };
  const key = `${stat.dev}:${stat.ino}`;
  const known = type === 'directory' || stat.nlink < 2n ? undefined : links.get(key);
  if (known !== undefined) yield formatEntry({ ...common, type: 'hard-link', linkName: known });
  else if (type === 'file') yield* contentParts(file, { ...common, type });
  else if (type === 'symlink') yield formatEntry({ ...common, type, linkName: fs.readlinkSync(file, 'buffer') });
  else yield formatEntry({ ...common, type, ...(type.endsWith('-device') ? deviceNumbers(stat.rdev) : {}) });
  if (type !== 'directory' && stat.nlink > 1n && known === undefined) links.set(key, archiveName);
}

const readAsync = promisify(fs.read);

async function* contentParts(file: Buffer, input: TarEntryInput): AsyncGenerator<Buffer> {
  const fd = look('open', file, () => fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW));
  try {
    const { size } = fs.fstatSync(fd);
    yield formatEntry({ ...input, size });
    for (let done = 0; done < size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(pieceSize, size - done));
      const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, done);
      if (bytesRead < buffer.length) buffer.fill(0, bytesRead);
      yield buffer;
      done += buffer.length;
    }
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  } finally {
    fs.closeSync(fd);
  }
}
