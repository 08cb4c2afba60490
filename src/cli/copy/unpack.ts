import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { errnoOf, invalid } from '../../base/errors.ts';
import { writeAllSync } from '../../base/write-all.ts';
import { createDataPlacer } from '../../formats/tar/data-placer.ts';
import type { TarEntry } from '../../formats/tar/entry.ts';
import { createTarReader } from '../../formats/tar/reader.ts';
import { look } from './local.ts';
import type { Rename } from './paths.ts';

/**
 * Unpacks an archive that comes from a container into a folder of this host; everything belongs to who runs this. No
 * link that the archive brings is followed by what comes after it, so nothing is written outside of the folder. A
 * folder is not put in a file's place, nor the other way round. What was written stays when it fails.
 * @throws invalid for a bad archive and for what cannot be written.
 */
export async function unpackFiles(archive: AsyncIterable<Buffer>, folder: string, rename: Rename): Promise<void> {
  const state: State = { folder: folder.replace(/(?<=.)\/+\.?$/, ''), rename, links: new Set(), folders: [] };
  let file: OpenFile | undefined;
  const reader = createTarReader({
    entry(entry) {
      file = place(state, entry);
    },
    data: (chunk) => file?.write(chunk),
    end() {
      const ended = file;
      file = undefined;
      ended?.end();
    },
  });
  try {
    for await (const chunk of archive) reader.feed(chunk);
    reader.finish();
  } finally {
    file?.close();
  }
  for (const { path, entry } of state.folders.reverse()) setTimes(path, entry);
}

interface State {
  readonly folder: string;
  readonly rename: Rename;
  /** Links that the archive brought, as latin1 paths below the folder. */
  readonly links: Set<string>;
  readonly folders: { readonly path: Buffer; readonly entry: TarEntry }[];
}

interface OpenFile {
  write(chunk: Buffer): void;
  end(): void;
  close(): void;
}

function place(state: State, entry: TarEntry): OpenFile | undefined {
  const parts = partsOf(state, state.rename(entry.name.toString('latin1')));
  if (parts.length === 0) return undefined;
  const path = pathOf(state, parts);
  const merged = makeRoom(state, parts, path, entry);
  switch (entry.type) {
    case 'file':
      return openFile(path, entry);
    case 'directory':
      if (!merged) look('mkdir', path, () => fs.mkdirSync(path, { mode: 0o700 }));
      look('chmod', path, () => fs.chmodSync(path, entry.mode | 0o700));
      state.folders.push({ path, entry });
      return undefined;
    case 'symlink':
      look('symlink', path, () => fs.symlinkSync(entry.linkName, path));
      state.links.add(parts.join('/'));
      fs.lutimesSync(path, seconds(entry), seconds(entry));
      return undefined;
    case 'hard-link': {
      const target = partsOf(state, state.rename(entry.linkName.toString('latin1')));
      look('link', path, () => fs.linkSync(pathOf(state, target), path));
      if (fs.lstatSync(path).isSymbolicLink()) state.links.add(parts.join('/'));
      return undefined;
    }
    default:
      makeNode(path, entry);
      setTimes(path, entry);
      return undefined;
  }
}

/** @throws invalid for a name that leaves the folder, or goes on behind a link of the archive. */
function partsOf(state: State, name: string): string[] {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined)
      throw invalid(`bad archive: ${shown(name)} is outside of ${shown(state.folder)}`);
  }
  for (let length = 1; length < parts.length; length += 1) {
    if (state.links.has(parts.slice(0, length).join('/')))
      throw invalid(`bad archive: ${shown(name)} lies behind a link of the same archive`);
  }
  return parts;
}

const shown = (name: string): string => JSON.stringify(Buffer.from(name, 'latin1').toString());

const pathOf = ({ folder }: State, parts: readonly string[]): Buffer =>
  Buffer.concat([Buffer.from(`${folder === '/' ? '' : folder}/`), Buffer.from(parts.join('/'), 'latin1')]);

/** Removes what is in the place; true for a folder that a folder merges with. Makes the folders above. */
function makeRoom(state: State, parts: readonly string[], path: Buffer, entry: TarEntry): boolean {
  const above = pathOf(state, parts.slice(0, -1));
  if (parts.length > 1) look('mkdir', above, () => fs.mkdirSync(above, { recursive: true, mode: 0o755 }));
  const there = look('lstat', path, () => fs.lstatSync(path, { throwIfNoEntry: false }));
  if (!there) return false;
  const comes = entry.type === 'directory';
  if (there.isDirectory() && comes) return true;
  if (there.isDirectory() !== comes) {
    const [what, by] = comes ? ['non-directory', 'directory'] : ['directory', 'non-directory'];
    throw invalid(`cannot overwrite ${what} "${path}" with ${by} "${state.folder}"`);
  }
  look('unlink', path, () => fs.unlinkSync(path));
  state.links.delete(parts.join('/'));
  return false;
}

const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;

function openFile(path: Buffer, entry: TarEntry): OpenFile {
  const fd = look('open', path, () => fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600));
  const writeAt = (offset: number, chunk: Buffer): void => look('write', path, () => writeAllSync(fd, chunk, offset));
  return {
    write: createDataPlacer(entry.sparse, writeAt),
    end() {
      try {
        if (entry.sparse) fs.ftruncateSync(fd, entry.size);
        fs.fchmodSync(fd, entry.mode);
        fs.futimesSync(fd, seconds(entry), seconds(entry));
      } finally {
        fs.closeSync(fd);
      }
    },
    close: () => fs.closeSync(fd),
  };
}

/** Neither Node nor Bun has mknod(2): the program of that name has. */
function makeNode(path: Buffer, entry: TarEntry): void {
  const type = entry.type === 'fifo' ? 'p' : entry.type === 'block-device' ? 'b' : 'c';
  const numbers = type === 'p' ? [] : [String(entry.deviceMajor), String(entry.deviceMinor)];
  const text = path.toString();
  if (!Buffer.from(text).equals(path)) throw invalid(`mknod ${text}: the name is not UTF-8`);
  try {
    execFileSync('mknod', ['-m', '600', '--', text, type, ...numbers], { stdio: ['ignore', 'ignore', 'pipe'] });
    fs.chmodSync(path, entry.mode);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw invalid(`mknod ${text}: the program mknod is not installed`);
    throw invalid(String((error as { stderr?: Buffer }).stderr ?? error).trim() || `mknod ${text}: failed`);
  }
}

/** The mode of a folder too, which was kept writable until all was in it. */
function setTimes(path: Buffer, entry: TarEntry): void {
  if (entry.type === 'directory') fs.chmodSync(path, entry.mode);
  fs.utimesSync(path, seconds(entry), seconds(entry));
}

const seconds = ({ mtime }: TarEntry): number => Number(mtime) / 1e9;
