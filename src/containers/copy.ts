import * as net from 'node:net';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { PathStat } from '../api/types/container.ts';
import { errnoOf, invalid, notFound, TugError } from '../base/errors.ts';
import { createPipe } from '../host/adopted-fd.ts';
import { unpackedStream } from '../images/archive/unpacked-stream.ts';
import { type ByteString, byteString } from '../images/unpack/names.ts';
import type { ContainerContext } from './context.ts';
import type { ArchiveOptions, ContainerArchive } from './contract.ts';
import { settle } from './copy/carry.ts';
import { rootPath } from './copy/place.ts';
import { type FilesView, openFiles } from './copy/view.ts';
import { eventAttributes } from './create.ts';
import type { ContainerRecord } from './record.ts';
import { lookUpUser } from './user.ts';

/*
 * A thread looks files up and moves their bytes through a pipe; this thread carries them between the pipe and the
 * client. A client that stalls blocks that thread on the pipe, and nothing else.
 */

/** What a path of a container is. @throws not-found, conflict. */
export async function statFile(context: ContainerContext, record: ContainerRecord, given: Buffer): Promise<PathStat> {
  const view = await openFiles(context, record);
  try {
    return await lookUp(context, record, view, given);
  } finally {
    await view.release();
  }
}

/**
 * Opens a file or folder of a container to be read as a tar. Changes nothing but, of one that never ran, its writable
 * layer, which is made. The caller disposes of it.
 * @throws not-found "Could not find the file X in container Y", conflict.
 */
export async function readArchive(
  context: ContainerContext,
  record: ContainerRecord,
  given: Buffer,
): Promise<ContainerArchive> {
  const view = await openFiles(context, record);
  try {
    const stat = await lookUp(context, record, view, given);
    context.events.publish('container', 'archive-path', record.id, eventAttributes(record));
    return {
      stat,
      send: (into, signal) => sendFiles(context, record, view, given, into, signal),
      [Symbol.asyncDispose]: () => view.release(),
    };
  } catch (error) {
    await view.release();
    throw error;
  }
}

async function lookUp(
  context: ContainerContext,
  record: ContainerRecord,
  { root }: FilesView,
  given: Buffer,
): Promise<PathStat> {
  const path = absolute(given);
  return (await explained(record, given, context.copying.run({ kind: 'stat', root, path }))) as PathStat;
}

async function sendFiles(
  context: ContainerContext,
  record: ContainerRecord,
  view: FilesView,
  given: Buffer,
  into: Writable,
  signal: AbortSignal,
): Promise<void> {
  const [reader, pipe] = createPipe();
  const job = context.copying.run({ kind: 'read', root: view.root, path: absolute(given), pipe, maps: view.maps });
  const source = new net.Socket({ fd: reader, readable: true, writable: false });
  const gone = AbortSignal.any([signal, view.signal]);
  const carried = pipeline(source, into, { signal: gone, end: false });
  await settle([carried, explained(record, given, job)], gone);
}

/**
 * Unpacks a tar, plain or compressed, into a folder of a container. What was written stays when it fails, when the
 * client goes away, or when the engine is killed in the middle, as with Docker: nothing of it is undone.
 * @throws not-found and invalid for the folder and the archive, forbidden where nothing may be written, conflict.
 */
export async function writeArchive(
  context: ContainerContext,
  record: ContainerRecord,
  given: Buffer,
  archive: Readable,
  options: ArchiveOptions,
  signal: AbortSignal,
): Promise<void> {
  const view = await openFiles(context, record);
  try {
    const write = {
      path: absolute(given),
      noOverwriteDirNonDir: options.noOverwriteDirNonDir,
      owner: options.copyUIDGID ? ownerOf(record, view) : undefined,
      readOnlyRoot: record.host.ReadonlyRootfs ?? false,
    };
    const [pipe, writer] = createPipe();
    const job = context.copying.run({ kind: 'write', root: view.root, options: write, pipe, maps: view.maps });
    const target = new net.Socket({ fd: writer, readable: false, writable: true });
    const gone = AbortSignal.any([signal, view.signal]);
    const source = Readable.from(unpackedStream(archive, gone), { objectMode: false });
    await settle([pipeline(source, target, { signal: gone }), explained(record, given, job)], gone);
  } finally {
    await view.release();
  }
  context.events.publish('container', 'extract-to-dir', record.id, eventAttributes(record));
}

/** The user that the container runs as owns what is copied with `copyUIDGID`; undefined where it names none. */
function ownerOf(record: ContainerRecord, view: FilesView): { uid: number; gid: number } | undefined {
  if (!record.config.User) return undefined;
  const { uid, gid } = lookUpUser(rootPath(view.root), record.config.User, []);
  return { uid, gid };
}

/** Relative paths start at the root, as in Docker. */
function absolute(given: Buffer): ByteString {
  const path = byteString(given);
  if (path.includes('\0')) throw invalid('the path contains a NUL byte');
  return path.startsWith('/') ? path : `/${path}`;
}

/** What the kernel says of the path itself, in Docker's words. */
async function explained<T>(record: ContainerRecord, given: Buffer, job: Promise<T>): Promise<T> {
  try {
    return await job;
  } catch (error) {
    const errno = errnoOf(error);
    const options = { cause: error };
    if (errno === 'ENOENT') throw notFound(`Could not find the file ${given} in container ${record.name}`, options);
    if (errno === 'ENOTDIR') throw invalid(`lstat ${given}: not a directory`, options);
    if (errno === 'ELOOP') throw invalid(`lstat ${given}: too many levels of symbolic links`, options);
    if (errno === 'ENAMETOOLONG') throw invalid(`lstat ${given}: file name too long`, options);
    if (errno === 'EACCES' || errno === 'EPERM')
      throw new TugError('forbidden', `lstat ${given}: permission denied`, options);
    throw error;
  }
}
