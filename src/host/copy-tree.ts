import * as fs from 'node:fs';
import { errnoOf } from '../base/errors.ts';
import * as at from './at-calls.ts';
import { createContentCopier } from './copy-file.ts';
import { openFolderBeneath } from './read-in-root.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_DIRECTORY, O_NONBLOCK } = fs.constants;

interface Work {
  readonly copyContent: ReturnType<typeof createContentCopier>;
  readonly targetRoot: number;
  readonly umask: number;
  /** Where files with several names lie in the target already, by device and inode. */
  readonly linked: Map<string, Buffer>;
  /** Takes the files that have several names, instead of their being copied. */
  readonly left: Buffer[] | undefined;
}

/**
 * Copies what is in one open folder into another, which is empty, and gives the target the source's owner, mode and
 * times: owners, modes, times, extended attributes, hard links, devices and holes are kept, blocks shared where the
 * file system can. No link is followed on either side, and no name leads out of the two trees, whoever writes to
 * them meanwhile. Synchronous: call it in a thread unless the tree is small. What was copied stays when it throws.
 * @throws the system error.
 */
export function copyTree(source: number, target: number): void {
  copyFolder(openWork(target), source, target, Buffer.alloc(0));
}

/** Which part of a tree to copy: of the entries of its top those whose number divided by `of` leaves `own`. */
export interface TreePart {
  readonly own: number;
  readonly of: number;
}

/**
 * A part of `copyTree`, for several threads that copy one tree. Files with several names are left to `finishParts`, which
 * links them: their paths are returned, in latin1.
 */
export function copyTreePart(source: number, target: number, { own, of }: TreePart): string[] {
  const left: Buffer[] = [];
  const work: Work = { ...openWork(target), left };
  const plain = isPlain(target);
  for (const [index, entry] of entriesOf(source).entries()) {
    if (index % of === own) copyEntry(work, { source, target, entry, plain, path: entry.name });
  }
  return left.map((path) => path.toString('latin1'));
}

/** Copies what the parts left, and gives the target the source's owner, mode and times. */
export function finishParts(source: number, target: number, left: readonly string[]): void {
  const work = openWork(target);
  const folders = Map.groupBy(left, (path) => path.slice(0, Math.max(path.lastIndexOf('/'), 0)));
  for (const [folder, paths] of folders) finishFolder(work, { source, target, folder, paths: new Set(paths) });
  takeOver(source, target, fs.fstatSync(source, { bigint: true }));
}

function finishFolder(
  work: Work,
  { source, target, folder, paths }: { source: number; target: number; folder: string; paths: ReadonlySet<string> },
): void {
  const from = openFolder(source, folder);
  try {
    const to = openFolder(target, folder);
    try {
      for (const entry of entriesOf(from)) {
        const path = joined(Buffer.from(folder, 'latin1'), entry.name);
        if (!paths.has(path.toString('latin1'))) continue;
        copyEntry(work, { source: from, target: to, entry, plain: false, path });
      }
      const stat = fs.fstatSync(from, { bigint: true });
      at.setBothTimes(to, stat.atimeNs, stat.mtimeNs);
    } finally {
      fs.closeSync(to);
    }
  } finally {
    fs.closeSync(from);
  }
}

/** Opens a folder of a tree to be read; no link leads out of the tree. */
function openFolder(root: number, path: string): number {
  const place = openFolderBeneath(`/proc/self/fd/${root}`, Buffer.from(path, 'latin1'));
  try {
    return at.openAt(place, Buffer.from('.'), O_RDONLY | O_DIRECTORY);
  } finally {
    fs.closeSync(place);
  }
}

function openWork(target: number): Work {
  const copyContent = createContentCopier();
  return { copyContent, targetRoot: target, umask: process.umask(), linked: new Map(), left: undefined };
}

function copyFolder(work: Work, source: number, target: number, path: Buffer): void {
  const stat = fs.fstatSync(source, { bigint: true });
  const plain = isPlain(target);
  for (const entry of entriesOf(source))
    copyEntry(work, { source, target, entry, plain, path: joined(path, entry.name) });
  takeOver(source, target, stat);
}

/** What is in an open folder. */
export const entriesOf = (folder: number): fs.Dirent<Buffer>[] =>
  fs.readdirSync(`/proc/self/fd/${folder}/`, { encoding: 'buffer', withFileTypes: true });

interface Place {
  readonly source: number;
  readonly target: number;
  readonly entry: fs.Dirent<Buffer>;
  /** See `isPlain`, of the target. */
  readonly plain: boolean;
  /** Below the root of the tree. */
  readonly path: Buffer;
}

/** Whether what is made in a folder has the owner and the mode that it is made with: no group is inherited, no ACL. */
function isPlain(folder: number): boolean {
  return (fs.fstatSync(folder).mode & 0o2000) === 0 && at.attributesOf(folder).length === 0;
}

function copyEntry(work: Work, { source, target, entry, plain, path }: Place): void {
  const name = Buffer.concat([entry.name, nul]);
  // what is neither file nor folder is not opened: that alone would have effects
  const opens = entry.isFile() || entry.isDirectory();
  const from = openEntry(source, name, opens ? O_RDONLY | O_NONBLOCK : at.O_PATH);
  if (from === undefined) return;
  try {
    const stat = fs.fstatSync(from, { bigint: true });
    if (stat.isDirectory()) makeFolder(work, from, target, name, path);
    else if (stat.nlink > 1n && work.left) work.left.push(path);
    else if (stat.nlink > 1n && linkAgain(work, stat, target, name, path)) return;
    else if (stat.isFile()) makeFile(work, from, { target, name, plain }, stat);
    else makeSpecial(source, target, name, stat);
  } finally {
    fs.closeSync(from);
  }
}

/** Undefined for what was removed meanwhile. */
function openEntry(folder: number, name: Buffer, flags: number): number | undefined {
  try {
    return at.openAt(folder, name, flags | O_NOFOLLOW);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function makeFolder(work: Work, from: number, target: number, name: Buffer, path: Buffer): void {
  at.mkdirAt(target, name, 0o700);
  const to = at.openAt(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  try {
    copyFolder(work, from, to, path);
  } finally {
    fs.closeSync(to);
  }
}

function makeFile(
  work: Work,
  from: number,
  { target, name, plain }: { target: number; name: Buffer; plain: boolean },
  stat: fs.BigIntStats,
): void {
  const mode = Number(stat.mode) & 0o7777;
  // few calls for the many files that are root's with an ordinary mode
  const asMade = plain && stat.uid === 0n && stat.gid === 0n && (mode & (work.umask | 0o7000)) === 0;
  const to = at.openAt(target, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, asMade ? mode : 0o600);
  try {
    work.copyContent(from, to, stat);
    if (!asMade) takeOwner(to, stat);
    copyAttributes(from, to);
    at.setBothTimes(to, stat.atimeNs, stat.mtimeNs);
  } finally {
    fs.closeSync(to);
  }
}

/** Links, devices, FIFOs and sockets. */
function makeSpecial(source: number, target: number, name: Buffer, stat: fs.BigIntStats): void {
  if (stat.isSymbolicLink()) at.symlinkAt(at.readlinkAt(source, name), target, name);
  else at.mknodAt(target, name, Number(stat.mode), stat.rdev);
  at.chownAt(target, name, Number(stat.uid), Number(stat.gid));
  if (!stat.isSymbolicLink()) chmodName(target, name, Number(stat.mode) & 0o7777);
  at.setTimesAt(target, name, stat.atimeNs, stat.mtimeNs);
}

/** By a descriptor, so that no link is followed; chmod(2) of a descriptor made with at.O_PATH goes by its name in /proc. */
function chmodName(folder: number, name: Buffer, mode: number): void {
  const fd = at.openAt(folder, name, at.O_PATH | O_NOFOLLOW);
  try {
    if (!fs.fstatSync(fd).isSymbolicLink()) fs.chmodSync(`/proc/self/fd/${fd}`, mode);
  } finally {
    fs.closeSync(fd);
  }
}

/** True when the file has another name in the target, and has this one now too. */
function linkAgain(work: Work, stat: fs.BigIntStats, target: number, name: Buffer, path: Buffer): boolean {
  const key = `${stat.dev}:${stat.ino}`;
  const first = work.linked.get(key);
  if (first === undefined) {
    work.linked.set(key, path);
    return false;
  }
  const slash = first.lastIndexOf(0x2f);
  const folder = openFolderBeneath(`/proc/self/fd/${work.targetRoot}`, first.subarray(0, Math.max(slash, 0)));
  try {
    const file = at.openAt(folder, first.subarray(slash + 1), at.O_PATH | O_NOFOLLOW);
    try {
      at.linkAt(file, target, name);
    } finally {
      fs.closeSync(file);
    }
  } finally {
    fs.closeSync(folder);
  }
  return true;
}

/** Owner before mode, since a change of owner clears set-uid bits; times last. */
function takeOver(from: number, to: number, stat: fs.BigIntStats): void {
  takeOwner(to, stat);
  copyAttributes(from, to);
  at.setBothTimes(to, stat.atimeNs, stat.mtimeNs);
}

function takeOwner(to: number, stat: fs.BigIntStats): void {
  fs.fchownSync(to, Number(stat.uid), Number(stat.gid));
  fs.fchmodSync(to, Number(stat.mode) & 0o7777);
}

/** Those of overlayfs itself, and of SELinux, which labels by place, are left out. */
function copyAttributes(from: number, to: number): void {
  for (const [name, value] of at.attributesOf(from)) {
    if (!name.startsWith('trusted.overlay.') && name !== 'security.selinux') at.setAttribute(to, name, value);
  }
}

function joined(path: Buffer, name: Buffer): Buffer {
  return path.length === 0 ? name : Buffer.concat([path, slash, name]);
}

const slash = Buffer.from('/');
const nul = Buffer.alloc(1);
