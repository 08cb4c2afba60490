import * as path from 'node:path';
import { invalid } from '../../base/errors.ts';

/** One end of a copy, as Docker's rules see it. Paths keep a `/` or `/.` at their end, which means something. */
export interface CopyInfo {
  readonly path: string;
  readonly exists: boolean;
  readonly isFolder: boolean;
  /** What its name in the archive is to become, where a link was followed to another name. */
  readonly rebaseName: string;
}

/** `CONTAINER:PATH` as its parts; a path of this host has no container. */
export function splitArgument(argument: string): { readonly container: string; readonly path: string } {
  const colon = argument.indexOf(':');
  if (argument.startsWith('/') || argument.startsWith('.') || colon < 0) return { container: '', path: argument };
  return { container: argument.slice(0, colon), path: argument.slice(colon + 1) };
}

const saysFolder = (file: string): boolean => file.endsWith('/') || saysContents(file);
/** True for a path that means what is in a folder, not the folder. */
const saysContents = (file: string): boolean => file === '' || file === '.' || file.endsWith('/.');

/** A cleaned path with the `/` or `/.` that the given one ends with. */
export function keepEnding(cleaned: string, given: string): string {
  if (saysContents(given) && !saysContents(cleaned)) return cleaned.endsWith('/') ? `${cleaned}.` : `${cleaned}/.`;
  return given.endsWith('/') && !cleaned.endsWith('/') ? `${cleaned}/` : cleaned;
}

/** As Go's `filepath.Clean`: no `/` at the end. */
const clean = (file: string): string => {
  const normal = path.posix.normalize(file);
  return normal.length > 1 ? normal.replace(/\/+$/, '') : normal;
};

/** The folder and the entry in it that a path names; the entry is `.` for what is in a folder. */
export function splitEntry(file: string): { readonly folder: string; readonly base: string } {
  const cleaned = clean(file);
  const whole = saysContents(file) ? `${cleaned === '/' ? '' : cleaned}/.` : cleaned;
  if (whole === '/.') return { folder: '/', base: '.' };
  return { folder: path.posix.dirname(whole), base: whole === '/' ? '/' : path.posix.basename(whole) };
}

/** A link's target in the link's place, and the name that the user gave, when that is another one. */
export function followedName(given: string, target: string): { readonly path: string; readonly rebaseName: string } {
  const resolved = keepEnding(target, given);
  const [before, after] = [lastPart(given), lastPart(resolved)];
  return { path: resolved, rebaseName: before === after ? '' : before };
}

/** As Go's `filepath.Base`. */
function lastPart(file: string): string {
  const trimmed = file.replace(/\/+$/, '');
  return trimmed === '' ? '/' : trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** What a name in the archive becomes. */
export type Rename = (name: string) => string;

export const keepName: Rename = (name) => name;

/** Replaces the first part of names. Names are bytes as latin1 text. */
export function renameFirst(from: string, to: string): Rename {
  const [before, after] = [from === '/' ? '' : from, to].map((text) => Buffer.from(text).toString('latin1')) as [
    string,
    string,
  ];
  return (name) => {
    if (before === '') return name.startsWith('/') ? after + name : `${after}/${name}`;
    return name === before || name.startsWith(`${before}/`) ? after + name.slice(before.length) : name;
  };
}

/**
 * Where an archive of `source` is to be unpacked, and what its first name becomes, so that the copy is as `cp -a` would
 * make it: into a folder that is there, else under the destination's own name.
 * @throws invalid "cannot copy directory" onto a file, "no such directory" for a file to a folder that is not there.
 */
export function planCopy(
  source: CopyInfo,
  destination: CopyInfo,
): { readonly folder: string; readonly rename: Rename } {
  if (destination.exists && destination.isFolder) return { folder: destination.path, rename: keepName };
  if (destination.exists && source.isFolder) throw invalid('cannot copy directory');
  if (!destination.exists && !source.isFolder && saysFolder(destination.path)) throw invalid('no such directory');
  const { folder, base } = splitEntry(destination.path);
  return { folder, rename: renameFirst(source.rebaseName || splitEntry(source.path).base, base) };
}
