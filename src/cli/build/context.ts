import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { invalid } from '../../base/errors.ts';
import { compileDockerignore, type Ignore, type IgnoreState, parseDockerignore } from '../../formats/dockerignore.ts';
import { paddingOf } from '../../formats/tar/entry.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from '../../formats/tar/writer.ts';
import { look } from '../copy/local.ts';

const pieceSize = 256 * 1024;

/** What of a folder a build is not given: the Dockerfile's own list, else the folder's. */
export const readIgnore = (folder: string, dockerfile: string | undefined): Ignore =>
  readPatterns(folder, dockerfile).rules;

/** The same, with the patterns as they are written. */
export function readPatterns(folder: string, dockerfile: string | undefined): { patterns: string[]; rules: Ignore } {
  const own = dockerfile === undefined ? undefined : readText(`${dockerfile}.dockerignore`);
  const patterns = parseDockerignore(own ?? readText(`${folder}/.dockerignore`) ?? '');
  return { patterns, rules: compileDockerignore(patterns) };
}

function readText(file: string): string | undefined {
  if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) return undefined;
  return look('open', file, () => fs.readFileSync(file, 'utf8'));
}

/**
 * A folder of this host as a tar of root's, without what `ignore` leaves out, but with the files `always` (paths in it).
 * Modes, times and links are in it; sockets are not. Memory is bounded.
 * @throws invalid when something cannot be read.
 */
export async function* packContext(folder: string, ignore: Ignore, always: readonly string[]): AsyncGenerator<Buffer> {
  if (!look('stat', folder, () => fs.statSync(folder)).isDirectory())
    throw invalid(`unable to prepare context: context must be a directory: ${folder}`);
  let parts: Buffer[] = [];
  let size = 0;
  const links = new Map<string, Buffer>();
  const kept = new Set(always);
  for (const found of walk(Buffer.from(folder).toString('latin1'), '', ignore, ignore.root, kept)) {
    for await (const part of entryParts(found, links)) {
      parts.push(part);
      size += part.length;
      if (size < pieceSize) continue;
      yield Buffer.concat(parts, size);
      parts = [];
      size = 0;
    }
  }
  yield Buffer.concat([...parts, tarTrailer()]);
}

interface Found {
  readonly file: Buffer;
  readonly name: string;
  readonly stat: fs.BigIntStats;
}

/** Paths are bytes as latin1 text. A folder comes before what is in it, names in order. */
function* walk(
  top: string,
  folder: string,
  ignore: Ignore,
  above: IgnoreState,
  always: ReadonlySet<string>,
): Generator<Found> {
  const place = Buffer.from(folder === '' ? top : `${top}/${folder}`, 'latin1');
  const names = look('open', place, () => fs.readdirSync(place, { encoding: 'buffer' }));
  for (const text of names.map((name) => name.toString('latin1')).sort()) {
    const name = folder === '' ? text : `${folder}/${text}`;
    const readable = Buffer.from(name, 'latin1').toString();
    const { ignored, state, prune } = ignore.check(readable, above);
    const wanted = !ignored || always.has(readable);
    const holds = [...always].some((one) => one.startsWith(`${readable}/`));
    if (ignored && prune && !wanted && !holds) continue;
    const file = Buffer.from(`${top}/${name}`, 'latin1');
    const stat = look('lstat', file, () => fs.lstatSync(file, { bigint: true }));
    if (wanted || holds) yield { file, name, stat };
    if (stat.isDirectory() && (!prune || holds)) yield* walk(top, name, ignore, state, always);
  }
}

async function* entryParts({ file, name, stat }: Found, links: Map<string, Buffer>): AsyncGenerator<Buffer> {
  const type = entryTypeOf(stat);
  if (type === undefined) return;
  const archiveName = Buffer.from(name, 'latin1');
  const mtime = stat.mtimeNs - (stat.mtimeNs % 1_000_000_000n); // whole seconds, as Docker's client sends them
  const common = { name: archiveName, mode: Number(stat.mode) & 0o7777, uid: 0, gid: 0, mtime };
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
