import * as fs from 'node:fs';
import { getXattr } from '../../host/xattr.ts';
import { isWhiteout } from '../unpack/below.ts';
import { joinPath } from '../unpack/layer-tree.ts';
import type { ByteString } from '../unpack/names.ts';
import { createBreath } from './breath.ts';
import { holdFolder, ifThere } from './folder.ts';

/** What a stack of layers shows under a name. */
export interface Shown {
  /** The layer whose file it is; of a folder, the topmost of those merged. */
  readonly root: string;
  /** The layers that are merged in a folder, topmost first; undefined for anything else. */
  readonly folders: readonly string[] | undefined;
}

/**
 * What layers show in a folder, as overlayfs merges them, read without a mount. `roots` are the layers that have the
 * folder and are not hidden there, topmost first.
 */
export function listMerged(roots: readonly string[], relative: ByteString): Map<ByteString, Shown> {
  const found = new Map<ByteString, { root: string; folders: string[] | undefined; closed: boolean }>();
  const hidden = new Set<ByteString>();
  for (const root of roots) {
    using folder = holdFolder(root, relative);
    for (const entry of folder?.list() ?? []) {
      const name = entry.name.toString('latin1');
      if (hidden.has(name)) continue;
      const known = found.get(name);
      if (known?.closed) continue;
      if (entry.isDirectory()) {
        const closed = isOpaque(folder?.at(name) ?? '');
        if (known) {
          known.folders?.push(root);
          known.closed = closed;
        } else found.set(name, { root, folders: [root], closed });
      } else if (known) known.closed = true;
      else if (entry.isCharacterDevice() && isHiding(folder?.at(name) ?? '')) hidden.add(name);
      else found.set(name, { root, folders: undefined, closed: true });
    }
  }
  return found;
}

/** True for a folder that hides what the layers below have in it. */
export function isOpaque(path: string | Buffer): boolean {
  return ifThere(() => getXattr(path, 'trusted.overlay.opaque'))?.toString() === 'y';
}

/** True for overlayfs's mark of something deleted. */
export function isHiding(path: string | Buffer): boolean {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && isWhiteout(stat);
}

/** A file, by the layer that has it and its path there. */
export interface TreeFile {
  readonly root: string;
  readonly path: ByteString;
}

/** Every file that a stack of layers (topmost first) shows: a folder, then all that is in it; names in order; not the root itself. */
export async function* walkMerged(roots: readonly string[]): AsyncGenerator<TreeFile> {
  const breathe = createBreath();
  const open = [entriesOf(roots, '')];
  for (let folder = open.at(-1); folder; folder = open.at(-1)) {
    const entry = folder.pop();
    if (!entry) {
      open.pop();
      continue;
    }
    const { path, shown } = entry;
    yield { root: shown.root, path };
    if (!shown.folders) continue;
    open.push(entriesOf(shown.folders, path));
    await breathe();
  }
}

/** A folder's entries, the last one first. */
function entriesOf(roots: readonly string[], folder: ByteString): { path: ByteString; shown: Shown }[] {
  const entries = inOrder(listMerged(roots, folder)).reverse();
  return entries.map(([name, shown]) => ({ path: joinPath(folder, name), shown }));
}

export const inOrder = <T>(names: ReadonlyMap<ByteString, T>): [ByteString, T][] =>
  [...names].sort(([a], [b]) => (a < b ? -1 : 1));
