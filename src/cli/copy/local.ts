import * as fs from 'node:fs';
import * as path from 'node:path';
import { errnoOf, invalid, messageOf, type TugError } from '../../base/errors.ts';
import { type CopyInfo, followedName, keepEnding, splitEntry } from './paths.ts';

/** An absolute path that keeps its `/` or `/.`. */
export const absolutePath = (file: string): string => keepEnding(path.resolve(file), file);

/** What is to be copied; with `follow` a link stands for what it leads to. @throws invalid "lstat X: no such file or directory". */
export function sourceInfo(file: string, follow: boolean): CopyInfo {
  const { path: resolved, rebaseName } = follow ? followedName(file, realPath(file)) : besideLinks(file);
  const stat = look('lstat', resolved, () => fs.lstatSync(resolved));
  return { path: resolved, exists: true, isFolder: stat.isDirectory(), rebaseName };
}

/** Follows the links of the folders above, not one at the end. */
function besideLinks(file: string): { path: string; rebaseName: string } {
  const slash = file.lastIndexOf('/') + 1;
  const [folder, base] = [file.slice(0, slash), file.slice(slash)];
  if (base === '' && folder !== '/') {
    // the ending `/` follows a link, and the archive keeps the name that was given
    return followedName(file, realPath(file));
  }
  const real = realPath(folder === '' ? '.' : folder);
  return { path: `${real === '/' ? '' : real}/${base}`, rebaseName: '' };
}

function realPath(file: string): string {
  return look('lstat', file.replace(/(?<=.)\/+$/, ''), () => fs.realpathSync(file));
}

const mostLinks = 10;

/** Where a copy goes to. Links are followed. What is not there is fine, if the folder it would be in is. */
export function destinationInfo(given: string): CopyInfo {
  let file = given;
  for (let links = 0; ; links += 1) {
    const stat = lstat(file);
    if (!stat) break;
    if (!stat.isSymbolicLink()) return { path: file, exists: true, isFolder: stat.isDirectory(), rebaseName: '' };
    if (links > mostLinks) throw invalid(`too many symlinks in ${given}`);
    const target = fs.readlinkSync(file.replace(/(?<=.)\/+$/, ''));
    file = target.startsWith('/') ? target : path.join(splitEntry(file).folder, target);
  }
  const { folder } = splitEntry(file);
  if (!look('stat', folder, () => fs.statSync(folder)).isDirectory()) throw invalid('not a directory');
  return { path: file, exists: false, isFolder: false, rebaseName: '' };
}

function lstat(file: string): fs.Stats | undefined {
  return look('lstat', file, () => fs.lstatSync(file, { throwIfNoEntry: false }));
}

/** @throws invalid for a folder that is not there, a device, a socket. */
export function checkDestination(file: string): void {
  const folder = path.dirname(path.normalize(file).replace(/(?<=.)\/+$/, ''));
  if (!fs.statSync(folder, { throwIfNoEntry: false }))
    throw invalid(`invalid output path: directory ${JSON.stringify(folder)} does not exist`);
  const stat = look('stat', file, () => fs.statSync(file, { throwIfNoEntry: false }));
  if (stat?.isCharacterDevice() || stat?.isBlockDevice())
    throw invalid(`invalid output path: ${JSON.stringify(file)} must be a directory or a regular file: got a device`);
}

const words: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EEXIST: 'file exists',
  ELOOP: 'too many links',
  ENOSPC: 'no space left on device',
  EROFS: 'read-only file system',
  ENOTEMPTY: 'directory not empty',
  ENAMETOOLONG: 'file name too long',
};

/** Runs a call, and tells a failure as Go does: `open /x: permission denied`. */
export function look<T>(call: string, file: string | Buffer, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw localError(call, file, error);
  }
}

export function localError(call: string, file: string | Buffer, error: unknown): TugError {
  return invalid(`${call} ${file}: ${words[errnoOf(error) ?? ''] ?? messageOf(error)}`, { cause: error });
}
