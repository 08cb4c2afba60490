import * as fs from 'node:fs';
import { setTimes } from '../../host/file-times.ts';
import type { WritableLayer } from '../snapshots/contract.ts';
import { type FileChange, findChanges } from '../trees/changes.ts';
import { holdFolder } from '../trees/folder.ts';
import { listMerged } from '../trees/merged.ts';
import { joinPath } from '../unpack/layer-tree.ts';
import { type ByteString, parentOf } from '../unpack/names.ts';

/** What a container that has ended wrote, and the bytes of its files. */
export interface Written {
  readonly changes: readonly FileChange[];
  readonly size: number;
}

/**
 * Reads what a container wrote, and makes its folder be just that: what the runtime made there to mount things on is
 * taken away again, and with `epoch` (Unix seconds) nothing of it is newer. Nobody else may be writing there.
 */
export async function readWritten(
  layer: WritableLayer,
  places: ReadonlySet<string>,
  epoch: number | undefined,
): Promise<Written> {
  const changes = await findChanges(layer, places);
  removePlaces(layer, places, new Set(changes.map(({ path }) => path)));
  const seen = new Set<bigint>();
  let size = 0;
  for (const { path, kind } of changes) {
    if (kind === 'deleted') continue;
    using folder = holdFolder(layer.folder, parentOf(path));
    const file = folder?.at(nameOf(path)) ?? '';
    const stat = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
    if (!stat) continue;
    if (stat.isFile() && !seen.has(stat.ino)) size += Number(stat.size);
    if (stat.nlink > 1n) seen.add(stat.ino);
    if (epoch === undefined) continue;
    const latest = BigInt(epoch) * 1_000_000_000n;
    if (stat.mtimeNs > latest) setTimes(file, latest);
  }
  return { changes, size };
}

const nameOf = (path: ByteString): ByteString => path.slice(path.lastIndexOf('/') + 1);

/** Deepest first; a folder whose time that changed gets the one back that was told of it. */
function removePlaces(layer: WritableLayer, places: ReadonlySet<string>, changed: ReadonlySet<ByteString>): void {
  const all = new Set<string>();
  for (const place of places) for (let at: string = place; at !== ''; at = parentOf(at)) all.add(at);
  for (const place of [...all].sort((a, b) => depth(b) - depth(a))) {
    if (changed.has(place)) continue;
    const parent = parentOf(place);
    const name = nameOf(place);
    using folder = holdFolder(layer.folder, parent);
    const file = folder?.at(name) ?? '';
    const stat = folder && fs.lstatSync(file, { throwIfNoEntry: false });
    if (!stat || shownBelow(layer, place)) continue;
    const before = fs.lstatSync(folder.at('.'), { bigint: true }).mtimeNs;
    if (!removeEmpty(file, stat)) continue;
    const old = changed.has(parent) || parent === '' ? before : (timeBelow(layer, parent) ?? before);
    setTimes(folder.at('.'), old);
  }
}

const depth = (path: string): number => path.split('/').length;

function removeEmpty(file: string | Buffer, stat: fs.Stats): boolean {
  if (stat.isDirectory()) {
    if (fs.readdirSync(file).length > 0) return false;
    fs.rmdirSync(file);
    return true;
  }
  if (!stat.isFile() || stat.size > 0) return false;
  fs.unlinkSync(file);
  return true;
}

function shownBelow({ below }: WritableLayer, path: string): boolean {
  return listBelow(below, parentOf(path)).has(nameOf(path));
}

function timeBelow({ below }: WritableLayer, path: string): bigint | undefined {
  const shown = listBelow(below, parentOf(path)).get(nameOf(path));
  if (!shown) return undefined;
  using folder = holdFolder(shown.root, parentOf(path));
  return folder && fs.lstatSync(folder.at(nameOf(path)), { bigint: true, throwIfNoEntry: false })?.mtimeNs;
}

/** Down from the root, so that a folder which hides what is below it does so here too. */
function listBelow(roots: readonly string[], path: string): ReturnType<typeof listMerged> {
  let here = listMerged(roots, '');
  let at = '';
  for (const part of path.split('/').filter(Boolean)) {
    const folders = here.get(part)?.folders;
    if (!folders) return new Map();
    at = joinPath(at, part);
    here = listMerged(folders, at);
  }
  return here;
}
