import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { rm } from 'node:fs/promises';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { errnoOf, internal, invalid, notFound } from '../../../base/errors.ts';
import { writeAllSync } from '../../../base/write-all.ts';
import type { ByteRange, StorageDriver } from '../../contract.ts';
import { FileWriter } from './file-writer.ts';
import { inOrder } from './name-order.ts';

/** Bytes of one read; several wait in memory for each slow reader. */
const portion = 128 * 1024;

/**
 * Files below a folder. What is put or moved is on the disk before it is seen under its name; names themselves reach
 * the disk with the file system's next commit, so that a power cut may take back what was stored in the last seconds,
 * and never leaves half a file. SIGKILL takes nothing back. What the kernel answers from memory is asked on the spot,
 * which is many times faster than by a thread; what waits for the disk, syncs and long lists, is a thread's.
 */
export function openFilesystem({ rootdirectory }: { readonly rootdirectory: string }): StorageDriver {
  const localPath = (name: string): string => {
    if (!name.startsWith('/') || name.split('/').includes('..')) throw internal(`no storage path: ${name}`);
    return path.join(rootdirectory, name);
  };
  return {
    name: 'filesystem',
    localPath,
    get: (name) => found(name, () => fs.readFileSync(localPath(name))),
    put: (name, content, brief) => put(localPath(name), content, brief === undefined),
    read: (name, range) => found(name, () => openForReading(localPath(name), range)),
    stat: async (name) => statFile(localPath(name)),
    list: (name, after) => listFolder(localPath(name), after),
    append: (name, offset, data) => append(localPath(name), offset, data),
    move: (from, to) => found(from, () => move(localPath(from), localPath(to))),
    remove: (name) => remove(localPath(name)),
    touch: async (name) => {
      const now = new Date();
      await found(name, () => fs.utimesSync(localPath(name), now, now));
    },
  };
}

async function found<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') throw notFound(`path not found: ${name}`, { cause: error });
    throw error;
  }
}

/** Killed in between, it leaves a file of a temporary name, which nobody looks for, beside the old content. */
function put(file: string, content: Uint8Array, synced: boolean): Promise<void> {
  const folder = path.dirname(file);
  return withFolder(folder, () => putInto(folder, file, content, synced));
}

async function putInto(folder: string, file: string, content: Uint8Array, synced: boolean): Promise<void> {
  const temporary = path.join(folder, `.tmp-${randomBytes(6).toString('hex')}`);
  const fd = fs.openSync(temporary, 'wx');
  try {
    try {
      writeAllSync(fd, content);
      if (synced) await sync(fd);
    } finally {
      fs.closeSync(fd);
    }
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

const sync = promisify(fs.fdatasync);

/** Makes the folder where it is missing, which is seldom. */
async function withFolder<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === 3) throw error;
      fs.mkdirSync(folder, { recursive: true }); // may be swept again by a removal at the same time
    }
  }
}

async function openForReading(file: string, range: ByteRange | undefined): Promise<Readable> {
  const fd = fs.openSync(file, 'r');
  return fs.createReadStream('', { fd, highWaterMark: portion, ...range });
}

function statFile(file: string): { size: number; modified: Date } | undefined {
  try {
    const stats = fs.statSync(file, { throwIfNoEntry: false });
    return stats?.isFile() ? { size: stats.size, modified: stats.mtime } : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Something may be put into a folder while it is removed; then it is removed again. */
async function remove(file: string): Promise<void> {
  try {
    await rm(file, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 });
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw error; // nothing lies below a file
  }
}

const listFolder = (folder: string, after: string | undefined): AsyncIterable<string> =>
  inOrder(() => readFolder(folder), after);

/** Names that one call to the kernel's side gives. */
const batch = 1024;

async function* readFolder(folder: string): AsyncIterable<string> {
  const dir = openFolder(folder);
  if (dir === undefined) return;
  try {
    for (let index = 0; ; index += 1) {
      // The first names are had on the spot, and those that are here already; a thread fetches the rest of a long list.
      const entry = index > 0 && index % batch === 0 ? await dir.read() : dir.readSync();
      if (entry === null) return;
      yield entry.name;
    }
  } finally {
    dir.closeSync();
  }
}

function openFolder(folder: string): fs.Dir | undefined {
  try {
    return fs.opendirSync(folder, { bufferSize: batch });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function append(file: string, offset: number, data: Readable): Promise<number> {
  const fd = await withFolder(path.dirname(file), () => fs.openSync(file, offset === 0 ? 'w' : 'r+'));
  try {
    cutAt(fd, offset);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  const target = new FileWriter(fd, offset);
  const closed = new Promise((resolve) => target.once('close', resolve));
  try {
    await pipeline(data, target);
  } finally {
    await closed; // and with it whatever was being written
  }
  return offset + target.written;
}

function cutAt(fd: number, offset: number): void {
  if (offset === 0) return; // opened empty
  const { size } = fs.fstatSync(fd);
  if (offset > size) throw invalid(`offset ${offset} lies behind the end at ${size}`, { code: 'range-invalid' });
  if (offset < size) fs.ftruncateSync(fd, offset);
}

/** Killed before the rename, nothing has happened. */
async function move(from: string, to: string): Promise<void> {
  const fd = fs.openSync(from, 'r+');
  try {
    await sync(fd);
  } finally {
    fs.closeSync(fd);
  }
  await withFolder(path.dirname(to), () => fs.renameSync(from, to));
}
