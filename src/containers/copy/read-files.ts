import * as fs from 'node:fs';
import { writeAllSync } from '../../base/write-all.ts';
import type { IdMaps } from '../../formats/id-maps.ts';
import { createBreath } from '../../images/trees/breath.ts';
import { holdFolder } from '../../images/trees/folder.ts';
import { type TarSource, tarStream } from '../../images/trees/tar-stream.ts';
import { joinPath } from '../../images/unpack/layer-tree.ts';
import type { ByteString } from '../../images/unpack/names.ts';
import { baseName } from './path-stat.ts';
import { openPlace, rootPath } from './place.ts';

/**
 * Writes a file or folder of a container as a tar to a pipe, named as Docker names it: `/a/b` gives `b` and `b/...`,
 * `/a/b/.` gives `./...`, the root `/...`. What the kernel shows below /proc and /sys, and the devices of /dev, are left
 * out unless the path leads into them. Blocks the thread. @throws the system error; EPIPE when nobody reads any more.
 */
export async function readFiles(root: number, path: ByteString, out: number, maps?: IdMaps): Promise<void> {
  const folder = openIfFolder(root, path);
  const top = folder ?? openPlace(root, parentPath(path), { follow: true, folder: true });
  try {
    const files = folder === undefined ? [{ root: rootPath(top), path: baseName(path) }] : walk(top, path);
    for await (const part of tarStream(files, { blocking: true, ...(maps ? { maps } : {}) })) writeAllSync(out, part);
  } finally {
    fs.closeSync(top);
  }
}

function openIfFolder(root: number, path: ByteString): number | undefined {
  const fd = openPlace(root, path, { follow: false });
  if (fs.fstatSync(fd).isDirectory()) return fd;
  fs.closeSync(fd);
  return undefined;
}

const parentPath = (path: ByteString): ByteString => path.replace(/\/+$/, '').replace(/[^/]*$/, '') || '/';

/** A folder, then all that is in it; names in order. A folder that vanishes meanwhile is left out. */
async function* walk(top: number, path: ByteString): AsyncGenerator<TarSource> {
  const root = rootPath(top);
  const shown = baseName(path);
  const nameOf = (file: ByteString): ByteString => (shown === '/' ? `/${file}` : `${shown}/${file}`);
  const breathe = createBreath();
  const isRoot = /^\/*$/.test(path.replace(/\/\.$/, '/'));
  yield { root, path: '.', name: shown === '/' ? '/' : `${shown}/` };
  const pending = [entriesOf(root, '')];
  for (let entries = pending.at(-1); entries; entries = pending.at(-1)) {
    const entry = entries.pop();
    if (!entry) {
      pending.pop();
      continue;
    }
    yield { root, path: entry.path, name: nameOf(entry.path) };
    if (entry.folder && !isKernels(top, entry.path, isRoot)) pending.push(entriesOf(root, entry.path));
    await breathe();
  }
}

/** A folder's entries, the last one first. */
function entriesOf(root: string, folder: ByteString): { path: ByteString; folder: boolean }[] {
  using held = holdFolder(root, folder);
  return (held?.list() ?? [])
    .map((entry) => ({ path: joinPath(folder, entry.name.toString('latin1')), folder: entry.isDirectory() }))
    .sort((a, b) => (a.path < b.path ? 1 : -1));
}

/** Magic numbers of file systems that hold no files of anybody's (statfs(2)). */
const kernelFileSystems = new Set([
  ...[0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x1cd1, 0x19800202, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11],
  ...[0x65735543, 0x6165676c, 0x62656570, 0x42494e4d, 0xde5e81e4],
]);

function isKernels(top: number, path: ByteString, fromRoot: boolean): boolean {
  using held = holdFolder(rootPath(top), path);
  if (!held) return true;
  const here = fs.statSync(held.at('.'));
  if (here.dev === fs.fstatSync(top).dev) return false;
  return (fromRoot && path === 'dev') || kernelFileSystems.has(fs.statfsSync(held.at('.')).type);
}
