import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, internal, invalid, notFound } from '../../../base/errors.ts';
import type { ByteRange, StorageDriver } from '../../contract.ts';

/** Bytes that a read or write of the disk takes at once: large enough that the number of calls does not count. */
const portion = 1024 * 1024;

/**
 * Files below a folder. What is put or moved is on the disk before it is seen under its name; names themselves reach
 * the disk with the file system's next commit, so that a power cut may take back what was stored in the last seconds,
 * and never leaves half a file. SIGKILL takes nothing back.
 */
export function openFilesystem({ rootdirectory }: { readonly rootdirectory: string }): StorageDriver {
  const localPath = (name: string): string => {
    if (!name.startsWith('/') || name.split('/').includes('..')) throw internal(`no storage path: ${name}`);
    return path.join(rootdirectory, name);
  };
  return {
    name: 'filesystem',
    localPath,
    get: (name) => found(name, fs.readFile(localPath(name))),
    put: (name, content, brief) => put(localPath(name), content, brief === undefined),
    read: (name, range) => found(name, openForReading(localPath(name), range)),
    stat: (name) => statFile(localPath(name)),
    list: (name, after) => listFolder(localPath(name), after),
    append: (name, offset, data) => append(localPath(name), offset, data),
    move: (from, to) => found(from, move(localPath(from), localPath(to))),
    remove: (name) => remove(localPath(name)),
    touch: async (name) => {
      const now = new Date();
      await found(name, fs.utimes(localPath(name), now, now));
    },
  };
}

async function found<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
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
  const handle = await fs.open(temporary, 'wx');
  try {
    try {
      await handle.writeFile(content);
      if (synced) await handle.datasync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/** Makes the folder where it is missing, which is seldom. */
async function withFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === 3) throw error;
      await fs.mkdir(folder, { recursive: true }); // may be swept again by a removal at the same time
    }
  }
}

async function openForReading(file: string, range: ByteRange | undefined): Promise<Readable> {
  const handle = await fs.open(file, 'r');
  return createReadStream('', { fd: handle, highWaterMark: portion, ...range });
}

async function statFile(file: string): Promise<{ size: number; modified: Date } | undefined> {
  try {
    const stats = await fs.stat(file);
    return stats.isFile() ? { size: stats.size, modified: stats.mtime } : undefined;
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Something may be put into a folder while it is removed; then it is removed again. */
async function remove(file: string): Promise<void> {
  try {
    await fs.rm(file, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 });
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw error; // nothing lies below a file
  }
}

async function* listFolder(folder: string, after: string | undefined): AsyncIterable<string> {
  let names: string[];
  try {
    names = await fs.readdir(folder);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return;
    throw error;
  }
  // All names of this storage are ASCII, for which the order of strings is that of their bytes.
  for (const name of names.sort()) if (after === undefined || name > after) yield name;
}

async function append(file: string, offset: number, data: Readable): Promise<number> {
  const handle = await withFolder(path.dirname(file), () => fs.open(file, offset === 0 ? 'w' : 'r+'));
  try {
    await cutAt(handle, offset);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const target = createWriteStream('', { fd: handle, start: offset, highWaterMark: portion });
  const closed = new Promise((resolve) => target.once('close', resolve));
  try {
    await pipeline(data, target);
  } finally {
    await closed; // and with it whatever was being written
  }
  return offset + target.bytesWritten;
}

async function cutAt(handle: fs.FileHandle, offset: number): Promise<void> {
  if (offset === 0) return; // opened empty
  const { size } = await handle.stat();
  if (offset > size) throw invalid(`offset ${offset} lies behind the end at ${size}`, { code: 'range-invalid' });
  if (offset < size) await handle.truncate(offset);
}

/** Killed before the rename, nothing has happened. */
async function move(from: string, to: string): Promise<void> {
  const handle = await fs.open(from, 'r+');
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await withFolder(path.dirname(to), () => fs.rename(from, to));
}
