import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { invalid } from '../../base/errors.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { dataSegments } from '../../host/data-segments.ts';
import { holdFolder, ifThere } from '../../images/trees/folder.ts';
import { inOrder, listMerged, type Shown } from '../../images/trees/merged.ts';
import { readMetadata } from '../../images/unpack/metadata.ts';
import { type ByteString, parentOf, shown } from '../../images/unpack/names.ts';
import { baseName, type SourceNode, type SourceTree } from './tree.ts';

/** A tree that also says which of the folders a file is in. */
export interface LayerTree extends SourceTree {
  rootOf(path: ByteString): string | undefined;
}

/** The files that folders show when they are stacked as overlayfs does it, topmost first; nobody is writing to them. */
export function createLayerTree(roots: readonly string[]): LayerTree {
  const folders = new Map<ByteString, ReadonlyMap<ByteString, Shown>>();
  const listed = (path: ByteString): ReadonlyMap<ByteString, Shown> => {
    let names = folders.get(path);
    if (!names) {
      const layers = path === '' ? roots : (place(path)?.folders ?? []);
      names = new Map(inOrder(listMerged(layers, path)));
      folders.set(path, names);
    }
    return names;
  };
  const place = (path: ByteString): Shown | undefined => listed(parentOf(path)).get(baseName(path));
  const rootOf = (path: ByteString): string | undefined => (path === '' ? roots[0] : place(path)?.root);
  const open = (path: ByteString): number => {
    const root = rootOf(path);
    using folder = root === undefined ? undefined : holdFolder(root, parentOf(path));
    if (!folder) throw invalid(`no such file: ${shown(path)}`);
    return fs.openSync(folder.at(baseName(path)), fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  };
  return {
    rootOf,
    look(path) {
      const root = rootOf(path);
      if (root === undefined) return path === '' ? emptyRoot : undefined;
      using folder = holdFolder(root, parentOf(path));
      return folder && ifThere(() => nodeOf(path === '' ? root : folder.at(baseName(path))));
    },
    list: (path) => [...listed(path).keys()],
    async digest(path) {
      const hash = createHash('sha256');
      for await (const piece of contentOf(open(path))) hash.update(piece);
      return hash.digest('hex');
    },
    read: (path) => contentOf(open(path)),
  };
}

const nothing: ReadonlyMap<string, Buffer> = new Map();
const emptyRoot: SourceNode = { kind: 'directory', mode: 0o755, uid: 0, gid: 0, mtime: 0n, size: 0, xattrs: nothing };

function nodeOf(file: string | Buffer): SourceNode | undefined {
  const stat = fs.lstatSync(file, { bigint: true });
  const kind = entryTypeOf(stat);
  if (!kind || kind === 'hard-link') return undefined;
  const { mode, uid, gid, mtime, xattrs } = readMetadata(file);
  const kept = new Map([...xattrs].filter(([name]) => name !== 'security.selinux'));
  const size = kind === 'file' ? Number(stat.size) : 0;
  return {
    ...{ kind, mode: kind === 'symlink' ? 0o777 : mode, uid, gid, mtime, size, xattrs: kept },
    ...(kind === 'file' && Number(stat.blocks) * 512 < size ? { sparse: segmentsOf(file, size) } : {}),
    ...(kind === 'symlink' ? { target: fs.readlinkSync(file, 'buffer') } : {}),
    ...(kind.endsWith('-device') ? { device: namedNumbers(stat.rdev) } : {}),
    ...(kind !== 'directory' && stat.nlink > 1n ? { link: `${stat.dev}:${stat.ino}` } : {}),
  };
}

function namedNumbers(rdev: bigint): { major: number; minor: number } {
  const { deviceMajor, deviceMinor } = deviceNumbers(rdev);
  return { major: deviceMajor, minor: deviceMinor };
}

function segmentsOf(file: string | Buffer, size: number) {
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  try {
    return dataSegments(fd, size);
  } finally {
    fs.closeSync(fd);
  }
}

const pieceSize = 256 * 1024;

/** Of a sparse file its segments. Closes the descriptor. */
async function* contentOf(fd: number): AsyncGenerator<Buffer> {
  try {
    const { size, blocks } = fs.fstatSync(fd);
    const sparse = blocks * 512 < size ? dataSegments(fd, size) : undefined;
    for (const { offset, length } of sparse ?? [{ offset: 0, length: size }]) {
      for (let done = 0; done < length; ) {
        const buffer = Buffer.allocUnsafe(Math.min(pieceSize, length - done));
        const got = fs.readSync(fd, buffer, 0, buffer.length, offset + done);
        if (got === 0) return;
        yield buffer.subarray(0, got);
        done += got;
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}
