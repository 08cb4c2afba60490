import * as fs from 'node:fs';
import { errnoOf, invalid } from '../../base/errors.ts';
import { setTimes } from '../../host/file-times.ts';
import { makeNode, nodeTypes } from '../../host/mknod.ts';
import { setXattr } from '../../host/xattr.ts';
import { type Below, isWhiteout } from './below.ts';
import { applyMetadata, type LostXattrs, type Metadata, readMetadata } from './metadata.ts';
import { type ByteString, byteString, parentOf, shown, systemPath } from './names.ts';

/**
 * The folder a layer is being unpacked into. Paths are relative to its root (`''`, `a`, `a/b`) and real: no part
 * of them is a link. The unpacker is the only one who writes there, so what was looked up stays true until it
 * removes something itself.
 */
export interface LayerTree {
  readonly root: ByteString;
  /** Whether a whiteout is a character device here (overlay), or deletions are carried out at once. */
  readonly overlay: boolean;
  /** What the layers below show; undefined while they are not there yet. */
  readonly below: Below | undefined;
  readonly lost: LostXattrs;
  /** The mode bits that this process's new files do not get. */
  readonly umask: number;
  /** Folders that are known to exist. */
  readonly known: Set<ByteString>;
  /** Parents by the name they were asked for. */
  readonly resolved: Map<ByteString, ByteString>;
  /** Folders that the layer carries: what they are to have in the end. */
  readonly carried: Map<ByteString, Metadata>;
  /** Folders that the layer only implies. */
  readonly implied: Set<ByteString>;
  /** With overlay: the whiteouts made, and the folders that hide everything below. */
  readonly whiteouts: Set<ByteString>;
  readonly opaque: Set<ByteString>;
  /** Without overlay: everything that this layer brought, and its folders, which its own whiteouts leave alone. */
  readonly brought: Set<ByteString> | undefined;
}

export function openTree(root: string, options: { overlay: boolean; below: Below | undefined }): LayerTree {
  return {
    ...options,
    root: byteString(root),
    lost: new Set(),
    umask: readUmask(),
    known: new Set(['']),
    resolved: new Map(),
    carried: new Map(),
    implied: new Set(options.overlay ? [''] : []),
    whiteouts: new Set(),
    opaque: new Set(),
    brought: options.overlay ? undefined : new Set(),
  };
}

/** Node's own call sets the mask to read it, which other threads that make files would notice. */
function readUmask(): number {
  const line = /^Umask:\s*([0-7]+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'));
  return line?.[1] === undefined ? 0o777 : Number.parseInt(line[1], 8);
}

/** The absolute path, for system calls. */
export function pathIn(tree: LayerTree, relative: ByteString): string | Buffer {
  return systemPath(relative === '' ? tree.root : `${tree.root}/${relative}`);
}

export function joinPath(folder: ByteString, name: ByteString): ByteString {
  return folder === '' ? name : `${folder}/${name}`;
}

const mostLinks = 255;

/**
 * The real folder for a parent's parts; what is missing of it is made. A link on the way, absolute or climbing,
 * leads to a place inside the root, as it would in the running container.
 * @throws invalid `bad-archive` when a part is no folder, or links go round.
 */
export function resolveFolder(tree: LayerTree, parts: readonly ByteString[]): ByteString {
  const asked = parts.join('/');
  let folder = tree.resolved.get(asked);
  if (folder === undefined) {
    folder = walk(tree, parts);
    tree.resolved.set(asked, folder);
  }
  return folder;
}

function walk(tree: LayerTree, parts: readonly ByteString[]): ByteString {
  const pending = [...parts].reverse();
  let current: ByteString = '';
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '..') {
      current = parentOf(current);
      continue;
    }
    const next = joinPath(current, part);
    const link = tree.known.has(next) ? undefined : enter(tree, next);
    if (link === undefined) {
      current = next;
      continue;
    }
    links += 1;
    if (links > mostLinks) throw invalid(`bad archive: links go round at ${shown(next)}`, { code: 'bad-archive' });
    const target = link.toString('latin1');
    if (target.startsWith('/')) current = '';
    pending.push(
      ...target
        .split('/')
        .filter((name) => name !== '' && name !== '.')
        .reverse(),
    );
  }
  return current;
}

/** Makes sure that a folder is there, or returns where the link in its place points. */
function enter(tree: LayerTree, relative: ByteString): Buffer | undefined {
  const path = pathIn(tree, relative);
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink()) return fs.readlinkSync(path, 'buffer');
  if (stat && !stat.isDirectory()) {
    if (!tree.overlay || !isWhiteout(stat)) {
      throw invalid(`bad archive: ${shown(relative)} is not a folder`, { code: 'bad-archive' });
    }
    fs.unlinkSync(path);
    tree.whiteouts.delete(relative);
    imply(tree, relative);
    makeOpaque(tree, relative);
    return undefined;
  }
  if (stat) {
    tree.known.add(relative);
    return undefined;
  }
  const link = isInsideOpaque(tree, relative) ? undefined : tree.below?.find(relative)?.link;
  if (link === undefined) imply(tree, relative);
  return link;
}

function imply(tree: LayerTree, relative: ByteString): void {
  fs.mkdirSync(pathIn(tree, relative), { mode: 0o755 });
  tree.known.add(relative);
  tree.implied.add(relative);
  markBrought(tree, relative);
}

/** Notes that the layer has something there, and so the folders above it too. */
export function markBrought(tree: LayerTree, relative: ByteString): void {
  for (let at = relative; at !== '' && tree.brought && !tree.brought.has(at); at = parentOf(at)) tree.brought.add(at);
}

/** A folder that the layer carries: made, or merged with the one that is there. Its metadata is set by `finishTree`. */
export function carryFolder(tree: LayerTree, relative: ByteString, metadata: Metadata): void {
  if (!tree.known.has(relative)) makeFolder(tree, relative);
  tree.implied.delete(relative);
  tree.carried.set(relative, metadata);
}

function makeFolder(tree: LayerTree, relative: ByteString): void {
  const path = pathIn(tree, relative);
  try {
    fs.mkdirSync(path, { mode: 0o755 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
    if (!fs.lstatSync(path).isDirectory()) {
      const removed = clearPlace(tree, relative);
      fs.mkdirSync(path, { mode: 0o755 });
      if (removed === 'whiteout') makeOpaque(tree, relative);
    }
  }
  tree.known.add(relative);
}

/** Removes what an entry is about to replace, with all below it. */
export function clearPlace(tree: LayerTree, relative: ByteString): 'whiteout' | 'other' {
  const path = pathIn(tree, relative);
  const stat = fs.lstatSync(path);
  if (!stat.isDirectory()) fs.unlinkSync(path);
  else if (relative === '') throw invalid('bad archive: the root is not a folder', { code: 'bad-archive' });
  else fs.rmSync(path, { recursive: true });
  forget(tree, relative);
  return tree.overlay && isWhiteout(stat) ? 'whiteout' : 'other';
}

/** Lets go of everything that is known at and below a path. */
export function forget(tree: LayerTree, relative: ByteString): void {
  tree.resolved.clear();
  const inside = `${relative}/`;
  const { known, implied, carried, whiteouts, opaque, brought } = tree;
  for (const names of [known, implied, carried, whiteouts, opaque, brought ?? new Set<ByteString>()]) {
    for (const name of names.keys()) if (name === relative || name.startsWith(inside)) names.delete(name);
  }
}

/** Lets a folder hide what the layers below have in it. */
export function makeOpaque(tree: LayerTree, relative: ByteString): void {
  setXattr(pathIn(tree, relative), 'trusted.overlay.opaque', Buffer.from('y'));
  tree.opaque.add(relative);
}

/** What can be done only when the layers below are there. */
export interface Unsettled {
  readonly implied: readonly ByteString[];
  readonly whiteouts: readonly ByteString[];
  /** Whether all that the layers below have is to be hidden: overlayfs takes no notice of an opaque root. */
  readonly opaqueRoot: boolean;
}

const settled: Unsettled = { implied: [], whiteouts: [], opaqueRoot: false };

/**
 * Sets the metadata of all folders, last of all since every entry made in a folder changes its time, and settles
 * what depends on the layers below; returns what has to wait for them.
 */
export function finishTree(tree: LayerTree): Unsettled {
  for (const [relative, metadata] of tree.carried) applyMetadata(pathIn(tree, relative), metadata, tree.lost);
  if (!tree.overlay) return settled;
  const whiteouts = [...tree.whiteouts].filter((relative) => !dropIf(tree, relative, isInsideOpaque(tree, relative)));
  const implied = [...tree.implied].filter((relative) => !isInsideOpaque(tree, relative));
  const unsettled = { implied, whiteouts, opaqueRoot: tree.opaque.has('') };
  if (!tree.below) return unsettled;
  settle(tree, tree.below, unsettled);
  return settled;
}

/**
 * Gives implied folders the metadata that the layers below have for them, and takes away whiteouts of what is not
 * there: overlayfs would list them. False when an implied folder is a link below: the layer went into a folder of
 * its own instead, and has to be unpacked again.
 */
export function settle(tree: LayerTree, below: Below, unsettled: Unsettled): boolean {
  if (unsettled.opaqueRoot) hideRoot(tree, below);
  for (const relative of unsettled.whiteouts) dropIf(tree, relative, below.find(relative) === undefined);
  for (const relative of unsettled.implied) {
    const found = below.find(relative);
    if (found?.link !== undefined) return false;
    if (found?.folder) applyMetadata(pathIn(tree, relative), found.folder, tree.lost);
  }
  return true;
}

/** Hides what the layers below have in the root, name by name; what this layer has there stays. */
function hideRoot(tree: LayerTree, below: Below): void {
  const { mtime } = readMetadata(pathIn(tree, ''));
  for (const name of below.inRoot()) {
    const path = pathIn(tree, name);
    const stat = fs.lstatSync(path, { throwIfNoEntry: false });
    if (!stat) makeNode(path, nodeTypes.character);
    else if (stat.isDirectory()) makeOpaque(tree, name);
  }
  setTimes(pathIn(tree, ''), mtime);
}

function dropIf(tree: LayerTree, relative: ByteString, condition: boolean): boolean {
  if (!condition) return false;
  const folder = parentOf(relative);
  const { mtime } = readMetadata(pathIn(tree, folder));
  fs.unlinkSync(pathIn(tree, relative));
  setTimes(pathIn(tree, folder), mtime);
  return true;
}

function isInsideOpaque(tree: LayerTree, relative: ByteString): boolean {
  if (tree.opaque.size === 0) return false;
  for (let at = relative; at !== ''; ) {
    at = parentOf(at);
    if (tree.opaque.has(at)) return true;
  }
  return false;
}
