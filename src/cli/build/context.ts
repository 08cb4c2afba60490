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
  checkFolder(folder);
  return walk(
    { top: Buffer.from(folder).toString('latin1'), ignore, always: new Set(always), owed: [] },
    '',
    ignore.root,
  );
}

/** @throws invalid for what is none. */
export function checkFolder(folder: string): void {
  if (!look('stat', folder, () => fs.statSync(folder)).isDirectory())
    throw invalid(`unable to prepare context: context must be a directory: ${folder}`);
}

const root = { uid: 0, gid: 0 };

export interface FoundFile {
  readonly file: Buffer;
  readonly name: string;
  readonly stat: fs.BigIntStats;
}

const isAscii = (text: string): boolean => !/[\x80-\xff]/.test(text);

/** A walk through a folder. Paths are bytes as latin1 text. */
export interface Walk {
  readonly top: string;
  readonly ignore: Ignore;
  readonly always: ReadonlySet<string>;
  /** Folders above that are left out, unless something in them is not. */
  readonly owed: FoundFile[];
}

export const readableName = (name: string): string => (isAscii(name) ? name : Buffer.from(name, 'latin1').toString());

export const placeOf = ({ top }: Walk, name: string): Buffer =>
  Buffer.from(name === '' ? top : `${top}/${name}`, 'latin1');

/** In order. */
export function folderNames(all: Walk, folder: string): string[] {
  const place = placeOf(all, folder);
  const names = look('open', place, () => fs.readdirSync(place, { encoding: 'buffer' }));
  return names.map((name) => name.toString('latin1')).sort();
}

/** A folder comes before what is in it, names in order. */
export function* walk(all: Walk, folder: string, above: IgnoreState): Generator<FoundFile> {
  const { ignore, always, owed } = all;
  for (const text of folderNames(all, folder)) {
    const name = folder === '' ? text : `${folder}/${text}`;
    const readable = readableName(name);
    const { ignored, state, prune } = ignore.check(readable, above);
    const wanted = !ignored || always.has(readable);
    const holds = ignored && [...always].some((one) => one.startsWith(`${readable}/`));
    if (ignored && prune && !wanted && !holds) continue;
    const file = placeOf(all, name);
    const found = { file, name, stat: look('lstat', file, () => fs.lstatSync(file, { bigint: true })) };
    if (wanted || holds) yield* [...owed.splice(0), found];
    if (!found.stat.isDirectory() || (prune && !holds)) continue;
    if (!wanted && !holds) owed.push(found);
    yield* walk(all, name, state);
    if (owed.at(-1) === found) owed.pop();
  }
}
