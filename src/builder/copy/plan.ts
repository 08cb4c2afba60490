import { invalid, notFound } from '../../base/errors.ts';
import { type ByteString, parentOf } from '../../images/unpack/names.ts';
import {
  baseName,
  cleanPath,
  join,
  parts,
  readable,
  resolvePath,
  type SourceNode,
  type SourceTree,
  walk,
} from '../sources/tree.ts';
import { isPattern, matchPaths } from './glob.ts';
import type { ModeChange } from './mode.ts';
import type { Owner } from './owner.ts';

/** One source of a COPY or ADD. */
export type CopySource =
  | { readonly kind: 'tree'; readonly tree: SourceTree; readonly path: ByteString }
  /** A file that comes under a name of its own: of a heredoc, from a URL. */
  | { readonly kind: 'file'; readonly tree: SourceTree; readonly path: ByteString; readonly name: ByteString }
  /** An archive, whose files come instead of it. */
  | { readonly kind: 'unpacked'; readonly tree: SourceTree };

export interface CopyOptions {
  /** `COPY` or `ADD`, for messages. */
  readonly instruction: string;
  /** The absolute path, with its slash at the end where it has one. */
  readonly destination: ByteString;
  readonly owner: Owner | undefined;
  readonly mode: ModeChange | undefined;
  readonly parents: boolean;
  /** Says yes for a path (of the source's folder) that is to be left out. */
  readonly excludes: ((path: ByteString) => boolean) | undefined;
  /** Do not follow links of the destination. */
  readonly link: boolean;
}

/** A file that is put into the layer; `path` says where its content is. */
export interface CopyItem {
  /** Relative to the root of the image. */
  readonly name: ByteString;
  readonly node: SourceNode;
  readonly tree: SourceTree | undefined;
  readonly path: ByteString;
}

/**
 * Which files a COPY puts where, on top of what `below` shows: folders before what is in them. Nothing is read but names
 * and metadata.
 * @throws not-found for a source that is not there; invalid for a destination that cannot be.
 */
export function planCopy(below: SourceTree, sources: readonly CopySource[], options: CopyOptions): CopyItem[] {
  const { destination, link } = options;
  const isFolder = /(^|\/)\.?$/.test(destination);
  const clean = cleanPath(destination);
  const place = link ? clean : resolvePath(below, clean);
  const items = new Map<ByteString, CopyItem>();
  const target = { place, isFolder: isFolder || below.look(place)?.kind === 'directory' };
  const found = sources.flatMap((source) => findSources(source, options));
  const several = found.length > 1 || sources.length > 1;
  if (several && !isFolder && below.look(place)?.kind !== 'directory' && !options.parents)
    throw invalid(
      `When using ${options.instruction} with more than one source file, the destination must be a directory and end with a /`,
      { code: 'bad-destination' },
    );
  for (const source of found) addSource(items, source, target, options);
  const made = missingFolders(below, items, target, options);
  for (const item of made) items.delete(item.name);
  return [...made, ...items.values()];
}

interface Found {
  readonly tree: SourceTree;
  /** As it was named; what is below may be a link. */
  readonly named: ByteString;
  /** The name it gets in a folder. */
  readonly name: ByteString;
  readonly real: ByteString;
  /** How many parts of the name stand before the mark `/./`: they are not kept. */
  readonly before: number;
  readonly node: SourceNode;
}

function findSources(source: CopySource, { instruction }: CopyOptions): Found[] {
  const { tree } = source;
  const node = tree.look('');
  if (source.kind === 'unpacked') return node ? [{ tree, named: '', name: '', real: '', before: 0, node }] : [];
  if (source.kind === 'file') {
    const file = tree.look(source.path);
    return file ? [{ tree, named: source.name, name: source.name, real: source.path, before: 0, node: file }] : [];
  }
  refuseOutside(source.path, instruction);
  const matched = matchPaths(tree, source.path);
  const name = readable(source.path);
  const mark = source.path.lastIndexOf('/./');
  const before = mark < 0 ? 0 : parts(cleanPath(source.path.slice(0, mark))).length;
  if (matched.length === 0) {
    const why = isPattern(source.path)
      ? 'no source files were specified'
      : `file not found in build context or excluded by .dockerignore: stat ${name}: file does not exist`;
    throw notFound(`${instruction} failed: ${why}`, { code: 'no-source' });
  }
  return matched.flatMap((named) => {
    const real = resolvePath(tree, named);
    const found = tree.look(real);
    return found ? [{ tree, named, name: baseName(named), real, before, node: found }] : [];
  });
}

function refuseOutside(path: ByteString, instruction: string): void {
  let depth = 0;
  for (const part of parts(path)) {
    depth += part === '..' ? -1 : 1;
    if (depth < 0)
      throw invalid(`${instruction} failed: forbidden path outside the build context: ${readable(path)} ()`, {
        code: 'outside-context',
      });
  }
}

interface Target {
  readonly place: ByteString;
  readonly isFolder: boolean;
}

function addSource(items: Map<ByteString, CopyItem>, found: Found, target: Target, options: CopyOptions): void {
  const { excludes, owner, mode, parents } = options;
  const base = baseOf(found, target, parents);
  if (parents) addParents(items, found, target, options);
  for (const { path, node } of walk(found.tree, found.real)) {
    const inside = found.real === '' ? path : path.slice(found.real.length + 1);
    if (excludes?.(inside === '' ? found.named : inside) === true && (inside !== '' || node.kind !== 'directory'))
      continue;
    const name = join(base, inside);
    if (inside === '' && node.kind === 'directory' && !parents) continue; // what is in it comes, not the folder itself
    if (items.has(name)) items.delete(name); // the later one comes last
    items.set(name, { name, node: changed(node, owner, mode), tree: found.tree, path });
  }
}

/** With `--parents` the path is kept, from the mark `/./` on. */
function baseOf(found: Found, { place, isFolder }: Target, parents: boolean): ByteString {
  if (parents) return join(place, keptPath(found));
  if (found.node.kind === 'directory') return place;
  return isFolder ? join(place, found.name) : place;
}

const keptPath = ({ named, before }: Found): ByteString => parts(cleanPath(named)).slice(before).join('/');

function addParents(
  items: Map<ByteString, CopyItem>,
  found: Found,
  { place }: Target,
  { owner, mode }: CopyOptions,
): void {
  const kept = parts(keptPath(found));
  const before = parts(cleanPath(found.named)).slice(0, found.before);
  for (let count = 1; count < kept.length; count += 1) {
    const name = join(place, kept.slice(0, count).join('/'));
    const path = resolvePath(found.tree, [...before, ...kept.slice(0, count)].join('/'));
    const node = found.tree.look(path);
    if (node && !items.has(name)) items.set(name, { name, node: changed(node, owner, mode), tree: found.tree, path });
  }
}

function changed(node: SourceNode, owner: Owner | undefined, mode: ModeChange | undefined): SourceNode {
  if (!owner && !mode) return node;
  const bits = mode && node.kind !== 'symlink' ? mode(node.mode, node.kind === 'directory') : node.mode;
  return { ...node, mode: bits & 0o7777, ...owner };
}

/** Folders on the way that neither the copy nor the image has, made as root's with mode 0755, or for `--chown`'s owner. */
function missingFolders(
  below: SourceTree,
  items: ReadonlyMap<ByteString, CopyItem>,
  { place, isFolder }: Target,
  { owner }: CopyOptions,
): CopyItem[] {
  const needed = new Set<ByteString>();
  const need = (path: ByteString): void => {
    for (let at = path; at !== '' && !needed.has(at); at = parentOf(at)) needed.add(at);
  };
  if (isFolder) need(place);
  for (const name of items.keys()) need(parentOf(name));
  const made: CopyItem[] = [];
  for (const name of [...needed].sort()) {
    if (items.has(name)) continue;
    const there = below.look(name);
    if (there?.kind === 'directory' || there?.kind === 'symlink') continue;
    if (there) throw invalid(`cannot copy to non-directory: /${readable(name)}`, { code: 'bad-destination' });
    const node: SourceNode = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: -1n, size: 0, xattrs: new Map() };
    made.push({ name, node: { ...node, ...owner }, tree: undefined, path: '' });
  }
  return made;
}
