import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { getXattr, listXattrs } from '../../src/host/xattr.ts';

/**
 * A line for each file below a folder, sorted: path, type, mode, owner, time, and what the type has: content,
 * link target, device number, number of names. Extended attributes, except overlayfs's own. The root's own time is
 * left out: in a mounted image it is that of the container's layer.
 */
export function describeTree(root: string): string[] {
  return ['.', ...namesBelow(root, '')].sort().map((name) => describeFile(path.join(root, name), name));
}

/** Links are not followed, wherever they lead. */
function namesBelow(root: string, folder: string): string[] {
  return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? [name, ...namesBelow(root, name)] : [name];
  });
}

function describeFile(file: string, name: string): string {
  const stat = fs.lstatSync(file);
  const parts = [name, stat.mode.toString(8), `${stat.uid}:${stat.gid}`];
  if (name !== '.') parts.push(String(Math.floor(stat.mtimeMs / 1000)));
  if (stat.isSymbolicLink()) parts.push(`-> ${fs.readlinkSync(file)}`);
  else if (stat.isFile()) parts.push(`${stat.nlink} names`, `${stat.size} bytes`, digest(file));
  else if (stat.isCharacterDevice() || stat.isBlockDevice()) parts.push(`device ${stat.rdev}`);
  if (!stat.isSymbolicLink()) parts.push(...attributes(file));
  return parts.join(' ');
}

function attributes(file: string): string[] {
  const names = listXattrs(file).filter((name) => !name.startsWith('trusted.overlay.'));
  return names.sort().map((name) => `${name}=${getXattr(file, name)?.toString('hex')}`);
}

function digest(file: string): string {
  return createHash('sha256').update(fs.readFileSync(file)).digest('hex').slice(0, 16);
}
