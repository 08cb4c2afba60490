import * as fs from 'node:fs';
import { conflict, errnoOf, invalid } from '../../base/errors.ts';
import { openFolderBeneath, openInRoot } from '../../host/read-in-root.ts';
import { joinPath } from '../../images/unpack/layer-tree.ts';
import { type ByteString, systemPath } from '../../images/unpack/names.ts';

/*
 * Everything here names files by a descriptor and one name that is not followed. A name is resolved by openat2(2)
 * with the container's root as root, so that whatever the container swaps meanwhile leads to another place of its own.
 */

export const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW } = fs.constants;

/** The root of a container's files, `/proc/self/fd/N` for system calls. */
export const rootPath = (root: number): string => `/proc/self/fd/${root}`;

/** Opens a path inside the root as a place (O_PATH); a link at its end is followed only with `follow`. @throws the system error. */
export function openPlace(root: number, path: ByteString, options: { follow: boolean; folder?: boolean }): number {
  const flags = O_PATH | (options.follow ? 0 : O_NOFOLLOW) | (options.folder ? O_DIRECTORY : 0);
  return openInRoot(rootPath(root), systemPath(path === '' ? '/' : path), flags);
}

/** The path of a name in an open folder, for system calls that do not follow a link at the end. */
export const inFolder = (folder: number, name: ByteString): string | Buffer =>
  systemPath(`/proc/self/fd/${folder}/${name}`);

/** Opens a folder below the root, and makes what is missing of it (0755, root's). @throws the system error. */
export function makeFolders(root: number, base: ByteString, parts: readonly ByteString[]): number {
  let path = base;
  let folder = openPlace(root, path, { follow: true, folder: true });
  for (const part of parts) {
    path = `${path}/${part}`;
    const next = openOrMake(root, folder, path, part);
    fs.closeSync(folder);
    folder = next;
  }
  return folder;
}

function openOrMake(root: number, folder: number, path: ByteString, name: ByteString): number {
  try {
    return openPlace(root, path, { follow: true, folder: true });
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') {
      fs.closeSync(folder);
      throw error;
    }
  }
  try {
    fs.mkdirSync(inFolder(folder, name), { mode: 0o755 });
    return openPlace(root, path, { follow: true, folder: true });
  } catch (error) {
    fs.closeSync(folder);
    throw error;
  }
}

/** The id of the mount that an open file lies on (proc_pid_fdinfo(5)). */
export function mountOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
}

/** Unlinking what is a mount point in another namespace only would take the mount away there: it is busy all the same. */
function refuseMountPoint(folder: number, name: ByteString): void {
  const fd = fs.openSync(inFolder(folder, name), O_PATH | O_NOFOLLOW);
  try {
    if (mountOf(fd) !== mountOf(folder)) throw mounted(name);
  } finally {
    fs.closeSync(fd);
  }
}

const mounted = (name: ByteString) =>
  conflict(`cannot replace ${quoted(name)}: device or resource busy: something is mounted there`, { code: 'ebusy' });

/**
 * Removes a file, or a folder with all that is in it; no link is followed, no other mount entered. Nothing there is no
 * fault. @throws conflict for a mount point, the system error.
 */
export function removeAt(folder: number, name: ByteString): void {
  const path = inFolder(folder, name);
  if (!fs.lstatSync(path, { throwIfNoEntry: false })) return;
  refuseMountPoint(folder, name);
  try {
    fs.unlinkSync(path);
    return;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    if (errnoOf(error) !== 'EISDIR') throw error;
  }
  emptyFolder(folder, name);
  fs.rmdirSync(path);
}

/** One folder is open at a time, however deep they lie. */
function emptyFolder(top: number, start: ByteString): void {
  const pending = [start];
  const found: ByteString[] = [];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (path !== start) found.push(path);
    const fd = openFolderBeneath(rootPath(top), systemPath(path));
    try {
      if (mountOf(fd) !== mountOf(top)) throw mounted(path);
      for (const entry of fs.readdirSync(`/proc/self/fd/${fd}/`, { encoding: 'buffer', withFileTypes: true })) {
        const name = entry.name.toString('latin1');
        if (entry.isDirectory()) pending.push(joinPath(path, name));
        else fs.unlinkSync(inFolder(fd, name));
      }
    } finally {
      fs.closeSync(fd);
    }
  }
  for (const path of found.reverse()) {
    const slash = path.lastIndexOf('/');
    const fd = openFolderBeneath(rootPath(top), systemPath(path.slice(0, slash)));
    try {
      fs.rmdirSync(inFolder(fd, path.slice(slash + 1)));
    } finally {
      fs.closeSync(fd);
    }
  }
}

/**
 * The parts of a name in an archive. A name that climbs out of where the archive is unpacked is refused; one that
 * climbs and comes back is shortened, as Docker does it.
 */
export function archiveParts(name: Buffer, where: ByteString): ByteString[] {
  const parts: ByteString[] = [];
  for (const part of name.toString('latin1').split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw invalid(`${quoted(name)} is outside of ${quoted(where)}`, bad);
  }
  return parts;
}

const bad = { code: 'bad-archive' };

/** For messages: bytes as text, in quotes. */
export const quoted = (name: ByteString | Buffer): string =>
  JSON.stringify((typeof name === 'string' ? Buffer.from(name, 'latin1') : name).subarray(0, 300).toString());
