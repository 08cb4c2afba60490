import * as fs from 'node:fs';
import type { WritableLayer } from '../snapshots/contract.ts';
import { joinPath } from '../unpack/layer-tree.ts';
import { type Metadata, readMetadata } from '../unpack/metadata.ts';
import type { ByteString } from '../unpack/names.ts';
import { createBreath } from './breath.ts';
import { type HeldFolder, holdFolder, ifThere } from './folder.ts';
import { inOrder, isHiding, isOpaque, listMerged, type Shown } from './merged.ts';

/** What became of a file of the image in a container. */
export interface FileChange {
  readonly path: ByteString;
  readonly kind: 'modified' | 'added' | 'deleted';
}

/**
 * What a container changed, folders before what is in them, names in order. A folder is told when something in it
 * changed or its own metadata did. `places` are paths that the engine mounts things over: the empty files and folders
 * that the runtime made for them are no changes of the container. The root itself is never told.
 * @throws invalid for a path longer than the kernel takes.
 */
export async function findChanges(layer: WritableLayer, places: ReadonlySet<string>): Promise<FileChange[]> {
  const search: Search = { layer, places, breathe: createBreath() };
  return (await changesIn(search, { path: '', below: layer.below, complete: layer.whole })).changes;
}

interface Search {
  readonly layer: WritableLayer;
  readonly places: ReadonlySet<string>;
  readonly breathe: () => Promise<void>;
}

interface Folder {
  readonly path: ByteString;
  /** The layers of the image that show this folder. */
  readonly below: readonly string[];
  /** True when what the container's folder does not have is deleted, not just untouched. */
  readonly complete: boolean;
}

interface Found {
  readonly changes: FileChange[];
  /** True when something was made here for the engine's mounts, which changed the folder's time. */
  readonly touched: boolean;
}

async function changesIn(search: Search, folder: Folder): Promise<Found> {
  await search.breathe();
  const before = listMerged(folder.below, folder.path);
  const own = listOwn(search.layer, folder.path);
  const changes: FileChange[] = [];
  let touched = false;
  const names = new Map<ByteString, true>([...own.keys()].map((name) => [name, true]));
  if (folder.complete) for (const name of before.keys()) names.set(name, true);
  for (const [name] of inOrder(names)) {
    const path = joinPath(folder.path, name);
    const now = own.get(name);
    const old = before.get(name);
    if (now === undefined || now === 'whiteout') {
      if (old) changes.push({ path, kind: 'deleted' });
      continue;
    }
    const inside: Found =
      now === 'other'
        ? { changes: [], touched: false }
        : await changesIn(search, {
            path,
            below: old?.folders ?? [],
            complete: folder.complete || now === 'opaque' || old?.folders === undefined,
          });
    if (!old && inside.changes.length === 0 && (inside.touched || isPlace(search, folder.path, name))) {
      touched = true;
      continue;
    }
    const kind = old ? 'modified' : 'added';
    const itself = !old || differs(search.layer, path, { now, old, ignoreTime: inside.touched });
    if (itself || inside.changes.length > 0) changes.push({ path, kind });
    for (const change of inside.changes) changes.push(change);
  }
  return { changes, touched };
}

type Own = 'folder' | 'opaque' | 'whiteout' | 'other';

/** What is in the container's own folder. */
function listOwn(layer: WritableLayer, path: ByteString): Map<ByteString, Own> {
  using held = holdFolder(layer.folder, path);
  const own = new Map<ByteString, Own>();
  for (const entry of held?.list() ?? []) {
    const name = entry.name.toString('latin1');
    own.set(name, layer.whole ? (entry.isDirectory() ? 'folder' : 'other') : kindOf(entry, held?.at(name) ?? ''));
  }
  return own;
}

function kindOf(entry: fs.Dirent<Buffer>, path: string | Buffer): Own {
  if (entry.isDirectory()) return isOpaque(path) ? 'opaque' : 'folder';
  return entry.isCharacterDevice() && isHiding(path) ? 'whiteout' : 'other';
}

/** A mount's target that the runtime made: a file without content, or a folder without files. */
function isPlace({ layer, places }: Search, folder: ByteString, name: ByteString): boolean {
  if (!places.has(joinPath(folder, name))) return false;
  using held = holdFolder(layer.folder, folder);
  const stat = held && fs.lstatSync(held.at(name), { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size === 0 : stat?.isDirectory() === true;
}

/** Whether something that the image has too is another in the container. A file of overlayfs's upper folder always is. */
function differs(
  layer: WritableLayer,
  path: ByteString,
  { now, old, ignoreTime }: { now: Own; old: Shown; ignoreTime: boolean },
): boolean {
  if (now === 'other' && !layer.whole) return true;
  if ((now === 'other') !== (old.folders === undefined)) return true;
  const mine = describeFile(layer.folder, path);
  const theirs = describeFile(old.root, path);
  return mine === undefined || theirs === undefined || !isSame(mine, theirs, ignoreTime);
}

interface Described {
  readonly stat: fs.BigIntStats;
  readonly metadata: Metadata;
  readonly target: string;
}

/** What a file is. Undefined when it is gone. */
export function describeFile(root: string, path: ByteString): Described | undefined {
  const slash = path.lastIndexOf('/');
  using held: HeldFolder | undefined = holdFolder(root, path.slice(0, Math.max(slash, 0)));
  const file = held?.at(path.slice(slash + 1)) ?? '';
  const stat = held && fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
  if (!stat) return undefined;
  return ifThere(() => {
    const target = stat.isSymbolicLink() ? fs.readlinkSync(file, 'latin1') : '';
    return { stat, target, metadata: readMetadata(file) };
  });
}

/** Whether two files are alike in all but their content. */
export function isSame(a: Described, b: Described, ignoreTime: boolean): boolean {
  if (a.stat.mode !== b.stat.mode || a.stat.uid !== b.stat.uid || a.stat.gid !== b.stat.gid) return false;
  if (a.stat.rdev !== b.stat.rdev || a.target !== b.target) return false;
  if (!ignoreTime && a.stat.mtimeNs !== b.stat.mtimeNs) return false;
  if (a.stat.isFile() && a.stat.size !== b.stat.size) return false;
  const [mine, theirs] = [a.metadata.xattrs, b.metadata.xattrs];
  return mine.size === theirs.size && [...mine].every(([name, value]) => theirs.get(name)?.equals(value) === true);
}
