import * as fs from 'node:fs';
import { invalid } from '../../base/errors.ts';
import { compileDockerignore, type Ignore, type IgnoreState, parseDockerignore } from '../../formats/dockerignore.ts';
import { inPieces } from '../../formats/tar/pieces.ts';
import { entryParts, pieceSize } from '../copy/entry-parts.ts';
import { look } from '../copy/local.ts';

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
 * Files of this host as a tar of root's. Modes, times and links are in it; sockets are not. Memory is bounded.
 * @throws invalid when something cannot be read.
 */
export async function* packFiles(files: Iterable<FoundFile>): AsyncGenerator<Buffer> {
  const links = new Map<string, Buffer>();
  yield* inPieces(files, (file) => entryParts({ ...file, owner: root }, links), pieceSize);
}

/**
 * What is in a folder of this host, without what `ignore` leaves out, but with the files `always` (paths in it). A folder
 * comes before what is in it. @throws invalid when something cannot be read.
 */
export function contextFiles(folder: string, ignore: Ignore, always: readonly string[]): Generator<FoundFile> {
  if (!look('stat', folder, () => fs.statSync(folder)).isDirectory())
    throw invalid(`unable to prepare context: context must be a directory: ${folder}`);
  return walk(
    { top: Buffer.from(folder).toString('latin1'), ignore, always: new Set(always), owed: [] },
    '',
    ignore.root,
  );
}

const fewFiles = 500;
const fewBytes = 8 * 1024 * 1024;

/** True when asking which of them the engine has got takes less time than sending all of them. */
export function isLarge(files: Iterable<FoundFile>): boolean {
  let count = 0;
  let bytes = 0n;
  for (const { stat } of files) {
    count += 1;
    if (stat.isFile()) bytes += stat.size;
    if (count > fewFiles || bytes > fewBytes) return true;
  }
  return false;
}

const root = { uid: 0, gid: 0 };

export interface FoundFile {
  readonly file: Buffer;
  readonly name: string;
  readonly stat: fs.BigIntStats;
}

const isAscii = (text: string): boolean => !/[\x80-\xff]/.test(text);

interface Walk {
  readonly top: string;
  readonly ignore: Ignore;
  readonly always: ReadonlySet<string>;
  /** Folders above that are left out, unless something in them is not. */
  readonly owed: FoundFile[];
}

/** Paths are bytes as latin1 text. A folder comes before what is in it, names in order. */
function* walk(all: Walk, folder: string, above: IgnoreState): Generator<FoundFile> {
  const { top, ignore, always, owed } = all;
  const place = Buffer.from(folder === '' ? top : `${top}/${folder}`, 'latin1');
  const names = look('open', place, () => fs.readdirSync(place, { encoding: 'buffer' }));
  for (const text of names.map((name) => name.toString('latin1')).sort()) {
    const name = folder === '' ? text : `${folder}/${text}`;
    const readable = isAscii(name) ? name : Buffer.from(name, 'latin1').toString();
    const { ignored, state, prune } = ignore.check(readable, above);
    const wanted = !ignored || always.has(readable);
    const holds = ignored && [...always].some((one) => one.startsWith(`${readable}/`));
    if (ignored && prune && !wanted && !holds) continue;
    const file = Buffer.from(`${top}/${name}`, 'latin1');
    const found = { file, name, stat: look('lstat', file, () => fs.lstatSync(file, { bigint: true })) };
    if (wanted || holds) yield* [...owed.splice(0), found];
    if (!found.stat.isDirectory() || (prune && !holds)) continue;
    if (!wanted && !holds) owed.push(found);
    yield* walk(all, name, state);
    if (owed.at(-1) === found) owed.pop();
  }
}
