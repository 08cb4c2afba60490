import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { type IdMaps, insideId } from '../../formats/id-maps.ts';
import { paddingOf, type SparseSegment, type TarEntryType } from '../../formats/tar/entry.ts';
import { deviceNumbers, entryTypeOf } from '../../formats/tar/file-kind.ts';
import { formatEntry, type TarEntryInput, tarTrailer } from '../../formats/tar/writer.ts';
import { dataSegments } from '../../host/data-segments.ts';
import { readMetadata } from '../unpack/metadata.ts';
import { type ByteString, parentOf } from '../unpack/names.ts';
import { createBreath } from './breath.ts';
import { type HeldFolder, holdFolder, ifThere } from './folder.ts';
import type { TreeFile } from './merged.ts';

/** A file of a tree, or the mark that a file of the layers below is deleted. */
export type TarSource = TreeFile & {
  readonly deleted?: boolean;
  /** What the archive calls it, where that is not its path. */
  readonly name?: ByteString;
};

export interface TarStreamOptions {
  /** Reads files with calls that block: for a thread of its own, which then leaves libuv's threads alone. */
  readonly blocking?: boolean;
  /** The user namespace whose ids the files have on the host; the archive has those inside. */
  readonly maps?: IdMaps;
}

const pieceSize = 256 * 1024;

/**
 * The files as a tar, in their order, with all their metadata; names of one file are hard links, holes stay holes.
 * Sockets are left out, for which there is no entry, and so is what vanishes meanwhile; a file that is cut shorter while
 * it is read is filled up with zeros. Labels of the host's security module and overlayfs's own marks are left out.
 * The same tree gives the same bytes.
 */
export async function* tarStream(
  sources: Iterable<TarSource> | AsyncIterable<TarSource>,
  { blocking = false, maps }: TarStreamOptions = {},
): AsyncGenerator<Buffer> {
  const breathe = createBreath();
  const writer: Writer = { links: new Map(), held: undefined, blocking, maps };
  let parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const source of sources) {
      for await (const part of source.deleted ? [whiteout(source.path)] : fileParts(writer, source)) {
        parts.push(part);
        size += part.length;
        if (size < pieceSize) continue;
        yield Buffer.concat(parts, size);
        parts = [];
        size = 0;
      }
      await breathe();
    }
  } finally {
    writer.held?.folder?.[Symbol.dispose]();
  }
  yield Buffer.concat([...parts, tarTrailer()]);
}

interface Writer {
  /** The first name of each file that has several. */
  readonly links: Map<string, ByteString>;
  /** The folder that was looked into last. */
  held: { readonly root: string; readonly path: ByteString; readonly folder: HeldFolder | undefined } | undefined;
  readonly blocking: boolean;
  readonly maps: IdMaps | undefined;
}

/** OCI image-spec, layer.md, "Whiteouts". */
function whiteout(path: ByteString): Buffer {
  const slash = path.lastIndexOf('/') + 1;
  const name = Buffer.from(`${path.slice(0, slash)}.wh.${path.slice(slash)}`, 'latin1');
  return formatEntry({ name, type: 'file', mode: 0 });
}

function hold(writer: Writer, root: string, path: ByteString): HeldFolder | undefined {
  if (writer.held?.root !== root || writer.held.path !== path) {
    writer.held?.folder?.[Symbol.dispose]();
    writer.held = undefined;
    writer.held = { root, path, folder: holdFolder(root, path) };
  }
  return writer.held.folder;
}

async function* fileParts(writer: Writer, { root, path, name = path }: TarSource): AsyncGenerator<Buffer> {
  const file = hold(writer, root, parentOf(path))?.at(path.slice(path.lastIndexOf('/') + 1));
  const stat = file && fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
  const type = stat && entryTypeOf(stat);
  if (!file || !type) return;
  const input = describe(name, type, file, stat, writer.maps);
  if (!input) return;
  const key = `${stat.dev}:${stat.ino}`;
  const first = writer.links.get(key);
  if (first !== undefined && type !== 'directory') {
    const { xattrs: _xattrs, ...plain } = input;
    yield formatEntry({ ...plain, type: 'hard-link', linkName: Buffer.from(first, 'latin1') });
    return;
  }
  if (type !== 'file') yield formatEntry(input);
  else {
    const fd = openFile(file);
    if (fd === undefined) return;
    try {
      yield* contentParts(fd, input, writer.blocking);
    } finally {
      fs.closeSync(fd);
    }
  }
  if (stat.nlink > 1n && type !== 'directory') writer.links.set(key, name);
}

function describe(
  name: ByteString,
  type: TarEntryType,
  file: string | Buffer,
  stat: fs.BigIntStats,
  maps: IdMaps | undefined,
): TarEntryInput | undefined {
  return ifThere(() => {
    const { mode, mtime, xattrs, ...owner } = readMetadata(file);
    const uid = maps ? insideId(maps.uids, owner.uid) : owner.uid;
    const gid = maps ? insideId(maps.gids, owner.gid) : owner.gid;
    const kept = [...xattrs].filter(([key]) => key !== 'security.selinux');
    const input = { name: Buffer.from(name, 'latin1'), type, mode, uid, gid, mtime, xattrs: new Map(kept) };
    if (type === 'symlink') return { ...input, linkName: fs.readlinkSync(file, 'buffer') };
    return type.endsWith('-device') ? { ...input, ...deviceNumbers(stat.rdev) } : input;
  });
}

const { O_RDONLY, O_NOFOLLOW } = fs.constants;
const O_PATH = 0o10000000;

/**
 * Undefined for what is gone, or is no file any more. It is looked at before it is opened: opening a device, which a
 * container may have put in the file's place, does something.
 */
function openFile(file: string | Buffer): number | undefined {
  const place = ifThere(() => fs.openSync(file, O_PATH | O_NOFOLLOW));
  if (place === undefined) return undefined;
  try {
    if (!fs.fstatSync(place).isFile()) return undefined;
    return ifThere(() => fs.openSync(`/proc/self/fd/${place}`, O_RDONLY));
  } finally {
    fs.closeSync(place);
  }
}

async function* contentParts(fd: number, input: TarEntryInput, blocking: boolean): AsyncGenerator<Buffer> {
  const { size, blocks } = fs.fstatSync(fd);
  const sparse = blocks * 512 < size ? dataSegments(fd, size) : undefined;
  yield formatEntry({ ...input, size, sparse });
  const segments: readonly SparseSegment[] = sparse ?? [{ offset: 0, length: size }];
  let stored = 0;
  for (const { offset, length } of segments) {
    yield* segmentParts(fd, offset, length, blocking || length <= smallFile);
    stored += length;
  }
  if (paddingOf(stored) > 0) yield Buffer.alloc(paddingOf(stored));
}

const readAsync = promisify(fs.read);
const smallFile = 64 * 1024;

async function* segmentParts(fd: number, offset: number, length: number, blocking: boolean): AsyncGenerator<Buffer> {
  for (let done = 0; done < length; ) {
    const want = Math.min(pieceSize, length - done);
    const buffer = Buffer.allocUnsafe(want);
    const got = blocking
      ? fs.readSync(fd, buffer, 0, want, offset + done)
      : (await readAsync(fd, buffer, 0, want, offset + done)).bytesRead;
    if (got < want) buffer.fill(0, got);
    yield buffer;
    done += want;
  }
}
