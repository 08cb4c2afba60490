import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { getXattr, listXattrs } from '../../src/host/xattr.ts';

/** What a comparison of trees leaves out. */
export interface Blind {
  /** Times of folders: those that an archive only implies have the time of the unpacking. */
  readonly folderTimes?: boolean;
}

/**
 * A line for each file below a folder, sorted by the bytes of its path: path, mode with type, owner, time to the
 * nanosecond, and what the type has: content, link target, device number; the first of the names of one file; extended
 * attributes. Names and targets are shown byte by byte (latin1). Of the root itself only the owner: a container's root has
 * mode 0755 whatever the image says, as Docker has it.
 */
export function exactTree(root: string, blind: Blind = {}): string[] {
  const base = Buffer.from(root).toString('latin1');
  const first = new Map<string, string>();
  return ['', ...namesBelow(base, '')].sort().map((name) => describe(base, name, first, blind));
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function namesBelow(base: string, folder: string): string[] {
  const entries = fs.readdirSync(bytes(`${base}/${folder}`), { withFileTypes: true, encoding: 'buffer' });
  return entries.flatMap((entry) => {
    const name = `${folder}${folder === '' ? '' : '/'}${entry.name.toString('latin1')}`;
    return entry.isDirectory() ? [name, ...namesBelow(base, name)] : [name];
  });
}

function describe(base: string, name: string, first: Map<string, string>, blind: Blind): string {
  const file = bytes(`${base}/${name}`);
  const stat = fs.lstatSync(file, { bigint: true });
  if (name === '') return `the root ${stat.uid}:${stat.gid}`;
  const parts = [JSON.stringify(name), stat.mode.toString(8), `${stat.uid}:${stat.gid}`];
  if (!(blind.folderTimes && stat.isDirectory())) parts.push(`at ${stat.mtimeNs}`);
  if (stat.isSymbolicLink()) parts.push(`-> ${JSON.stringify(fs.readlinkSync(file, 'buffer').toString('latin1'))}`);
  else if (stat.isFile()) parts.push(`${stat.size} bytes`, digest(file));
  else if (stat.isCharacterDevice() || stat.isBlockDevice()) parts.push(`device ${stat.rdev}`);
  if (!stat.isDirectory() && stat.nlink > 1n) {
    const key = `${stat.dev}:${stat.ino}`;
    if (!first.has(key)) first.set(key, name);
    parts.push(`${stat.nlink} names, the first ${JSON.stringify(first.get(key))}`);
  }
  return [...parts, ...attributes(file)].join(' ');
}

function attributes(file: Buffer): string[] {
  const names = listXattrs(file).filter((name) => !name.startsWith('trusted.overlay.'));
  return names.sort().map((name) => `${name}=${getXattr(file, name)?.toString('hex')}`);
}

const digest = (file: Buffer): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex').slice(0, 16);
