import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { paddingOf } from '../../formats/tar/entry.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { formatEntry, type TarEntryInput } from '../../formats/tar/writer.ts';
import { look } from './local.ts';

export const pieceSize = 256 * 1024;

export interface LocalFile {
  readonly file: Buffer;
  /** In the archive, bytes as latin1 text. */
  readonly name: string;
  readonly stat: fs.BigIntStats;
  readonly owner: { readonly uid: number; readonly gid: number };
}

/**
 * A file of this host as an entry of a tar, in pieces; nothing for a socket. `links` has the first name of each file that
 * has several. @throws invalid when it cannot be read; one that shrinks meanwhile is filled up with zeros.
 */
export async function* entryParts(
  { file, name, stat, owner }: LocalFile,
  links: Map<string, Buffer>,
): AsyncGenerator<Buffer> {
  const type = entryTypeOf(stat);
  if (type === undefined) return;
  const archiveName = Buffer.from(name, 'latin1');
  const mtime = stat.mtimeNs - (stat.mtimeNs % 1_000_000_000n); // whole seconds, as Docker's client sends them
  const common = { name: archiveName, mode: Number(stat.mode) & 0o7777, ...owner, mtime };
  const key = `${stat.dev}:${stat.ino}`;
  const known = type === 'directory' || stat.nlink < 2n ? undefined : links.get(key);
  if (known !== undefined) yield formatEntry({ ...common, type: 'hard-link', linkName: known });
  else if (type === 'file') yield* contentParts(file, { ...common, type });
  else if (type === 'symlink') yield formatEntry({ ...common, type, linkName: fs.readlinkSync(file, 'buffer') });
  else yield formatEntry({ ...common, type, ...(type.endsWith('-device') ? deviceNumbers(stat.rdev) : {}) });
  if (type !== 'directory' && stat.nlink > 1n && known === undefined) links.set(key, archiveName);
}

const readAsync = promisify(fs.read);

/** A small file is read at once: going to another thread for it takes longer than the reading. */
async function* contentParts(file: Buffer, input: TarEntryInput): AsyncGenerator<Buffer> {
  const fd = look('open', file, () => fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW));
  try {
    const { size } = fs.fstatSync(fd);
    yield formatEntry({ ...input, size });
    for (let done = 0; done < size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(pieceSize, size - done));
      const got =
        size <= pieceSize
          ? fs.readSync(fd, buffer, 0, buffer.length, done)
          : (await readAsync(fd, buffer, 0, buffer.length, done)).bytesRead;
      if (got < buffer.length) buffer.fill(0, got); // it was cut shorter meanwhile
      yield buffer;
      done += buffer.length;
    }
    if (paddingOf(size) > 0) yield Buffer.alloc(paddingOf(size));
  } finally {
    fs.closeSync(fd);
  }
}
