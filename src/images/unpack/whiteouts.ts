import * as fs from 'node:fs';
import { invalid } from '../../base/errors.ts';
import { makeNode, nodeTypes } from '../../host/mknod.ts';
import { forget, joinPath, type LayerTree, makeOpaque, pathIn } from './layer-tree.ts';
import { type ByteString, escapes, shown, systemPath } from './names.ts';

const prefix = '.wh.';
const opaque = '.wh..wh..opq';

/**
 * Carries out a whiteout (OCI image-spec, layer.md, "Whiteouts"): `.wh.NAME` deletes what the layers below have
 * under that name, `.wh..wh..opq` all they have in its folder. What this layer itself brings stays, whichever
 * comes first in the archive. Other names that begin with `.wh..wh.` are aufs's own and mean nothing.
 * Returns false for a name that is no whiteout.
 */
export function applyWhiteout(tree: LayerTree, folder: ByteString, name: ByteString): boolean {
  if (!name.startsWith(prefix)) return false;
  if (name === opaque) {
    if (tree.overlay) makeOpaque(tree, folder);
    else for (const child of childrenOf(tree, folder)) removeLower(tree, child);
    return true;
  }
  if (name.startsWith(`${prefix}${prefix}`)) return true;
  const hidden = name.slice(prefix.length);
  if (hidden === '.' || hidden === '..') throw escapes(joinPath(folder, name));
  if (hidden === '') throw invalid(`bad archive: a whiteout of nothing: ${shown(name)}`, { code: 'bad-archive' });
  const relative = joinPath(folder, hidden);
  if (tree.overlay) hide(tree, relative);
  else removeLower(tree, relative);
  return true;
}

function hide(tree: LayerTree, relative: ByteString): void {
  const path = pathIn(tree, relative);
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) {
    makeNode(path, nodeTypes.character);
    tree.whiteouts.add(relative);
  } else if (stat.isDirectory()) makeOpaque(tree, relative);
}

/** Removes what came with the copy of the layer below. */
function removeLower(tree: LayerTree, relative: ByteString): void {
  const path = pathIn(tree, relative);
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (tree.brought?.has(relative)) {
    if (stat.isDirectory()) for (const child of childrenOf(tree, relative)) removeLower(tree, child);
    return;
  }
  if (stat.isDirectory()) fs.rmSync(systemPath(`${tree.root}/${relative}`), { recursive: true });
  else fs.unlinkSync(path);
  forget(tree, relative);
}

function childrenOf(tree: LayerTree, folder: ByteString): ByteString[] {
  const names = fs.readdirSync(pathIn(tree, folder), { encoding: 'buffer' });
  return names.map((name) => joinPath(folder, name.toString('latin1')));
}
