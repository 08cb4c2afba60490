import { lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import * as path from 'node:path';
import { TugError } from '../base/errors.ts';
import { writeArchive } from '../client/calls/archive.ts';
import type { Engine } from '../client/engine.ts';
import { paddingOf } from '../formats/tar/entry.ts';
import { formatEntry, tarTrailer } from '../formats/tar/writer.ts';
import { runCommand } from './hooks.ts';
import type { Instance } from './observe.ts';

/** A file of this host and where it lies in a container. */
export interface FilePair {
  readonly from: string;
  readonly to: string;
}

/**
 * Makes files of a container what they are here: copies those that are there, as root's, and removes the others.
 * May be repeated; interrupted, some are as they were. @throws what the engine says; conflict when the container
 * cannot remove files (it has no `rm`).
 */
export async function syncFiles(engine: Engine, instance: Instance, pairs: readonly FilePair[]): Promise<void> {
  const found = pairs.map((pair) => ({ ...pair, stat: lstatSync(pair.from, { throwIfNoEntry: false }) }));
  const gone = found.filter(({ stat }) => !stat).map(({ to }) => to);
  if (gone.length > 0) {
    const { code, output } = await runCommand(engine, instance, { command: ['rm', '-rf', '--', ...gone] });
    if (code !== 0)
      throw new TugError(
        'conflict',
        `files could not be removed in ${instance.name}: ${output || `exit code ${code}`}`,
      );
  }
  const kept = found.filter((one): one is FilePair & { stat: Stats } => one.stat !== undefined);
  if (kept.length > 0)
    await writeArchive(engine, instance.id, '/', pack(kept), { noOverwriteDirNonDir: false, copyUIDGID: true });
}

async function* pack(files: readonly (FilePair & { readonly stat: Stats })[]): AsyncGenerator<Buffer, void> {
  const folders = new Set<string>();
  for (const { from, to, stat } of files) {
    for (const folder of foldersAbove(to)) {
      if (folders.has(folder)) continue;
      folders.add(folder);
      yield formatEntry({ name: `${folder}/`, type: 'directory', mode: 0o755 });
    }
    const name = path.posix.normalize(to).slice(1);
    const mtime = BigInt(Math.floor(stat.mtimeMs)) * 1_000_000n;
    const mode = stat.mode & 0o7777;
    if (stat.isSymbolicLink()) yield formatEntry({ name, type: 'symlink', mode, mtime, linkName: readlinkSync(from) });
    if (!stat.isFile()) continue;
    const content = contentOf(from);
    if (content === undefined) continue;
    yield formatEntry({ name, type: 'file', mode, mtime, size: content.length });
    yield content;
    yield Buffer.alloc(paddingOf(content.length));
  }
  yield tarTrailer();
}

/** `a/b` and `a` of `/a/b/c`, those above first. */
function foldersAbove(file: string): string[] {
  const parts = path.posix.dirname(path.posix.normalize(file)).split('/').filter(Boolean);
  return parts.map((_, at) => parts.slice(0, at + 1).join('/'));
}

/** Undefined for a file that went again: its removal is told of too. */
function contentOf(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch (error) {
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
    throw error;
  }
}

/** All files below a folder, or a file by itself, without what `leavesOut` names. */
export function filesBelow(top: string, leavesOut: (folder: string) => boolean): string[] {
  if (!lstatSync(top).isDirectory()) return [top];
  return readdirSync(top, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(top, entry.name);
    if (!entry.isDirectory()) return [file];
    return leavesOut(file) ? [] : filesBelow(file, leavesOut);
  });
}
