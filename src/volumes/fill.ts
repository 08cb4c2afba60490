import * as fs from 'node:fs';
import { crashPoint } from '../base/crash-points.ts';
import { errnoOf, invalid, notFound } from '../base/errors.ts';
import { entriesOf } from '../host/copy-tree.ts';
import { openInRoot } from '../host/read-in-root.ts';
import type { VolumeContext } from './context.ts';
import { copyFolder, removeNames } from './trees.ts';

const { O_RDONLY, O_DIRECTORY } = fs.constants;

/** Opens a folder in a volume, links followed within the volume only. The caller closes it. @throws invalid, not-found. */
export function openSubpath(path: string, subpath: string): number {
  if (subpath === '') return fs.openSync(path, O_RDONLY | O_DIRECTORY);
  try {
    return openInRoot(path, subpath, O_RDONLY | O_DIRECTORY);
  } catch (error) {
    const file = `${path}/${subpath}`;
    if (errnoOf(error) === 'ENOENT')
      throw notFound(`cannot access path ${file}: lstat ${file}: no such file or directory`, { cause: error });
    if (['ENOTDIR', 'ELOOP', 'EXDEV'].includes(errnoOf(error) ?? ''))
      throw invalid(`cannot access path ${file}: it is no folder of the volume`, { cause: error });
    throw error;
  }
}

/** Whether there is nothing in a volume's folder. False for one that is a file: a single file has no room for more. */
export function isEmptyVolume(path: string, subpath = ''): boolean {
  let folder: number;
  try {
    folder = openSubpath(path, subpath);
  } catch (error) {
    if (subpath !== '' && errnoOf(error) === undefined) return false; // told when it is mounted
    throw error;
  }
  try {
    return entriesOf(folder).length === 0;
  } finally {
    fs.closeSync(folder);
  }
}

/** What the journal keeps of a volume that is being filled. */
export interface FillPayload {
  readonly subpath: string;
  /** What is copied into it, in latin1: names need not be UTF-8. */
  readonly names: readonly string[];
  /** Of the folder before. */
  readonly owner: { readonly uid: number; readonly gid: number; readonly mode: number };
}

/** A folder of a volume that is mounted. */
export interface VolumeFolder {
  readonly name: string;
  readonly path: string;
  readonly subpath: string;
}

/**
 * Copies an open folder's content into an empty folder of a volume, with its owner, mode and times. On a fault, a full
 * disk for one, what was copied is taken away again; cut off, the next engine does so.
 */
export async function fillVolume(context: VolumeContext, volume: VolumeFolder, source: number): Promise<void> {
  const target = openSubpath(volume.path, volume.subpath);
  try {
    const { uid, gid, mode } = fs.fstatSync(target);
    const names = entriesOf(source).map(({ name }) => name.toString('latin1'));
    const payload: FillPayload = { subpath: volume.subpath, names, owner: { uid, gid, mode } };
    const intent = context.journal.begin('volume.fill', volume.name, payload);
    crashPoint('volume.fill.journaled');
    try {
      await copyFolder(source, target);
    } catch (error) {
      await emptyAgain(target, payload);
      context.journal.done(intent);
      throw error;
    }
    crashPoint('volume.fill.copied');
    context.journal.done(intent);
  } finally {
    fs.closeSync(target);
  }
}

/** Undoes what a `fillVolume` that was cut off did. Idempotent. */
export async function undoFill(volume: { readonly path: string }, payload: FillPayload): Promise<void> {
  const target = openSubpath(volume.path, payload.subpath);
  try {
    await emptyAgain(target, payload);
  } finally {
    fs.closeSync(target);
  }
}

async function emptyAgain(target: number, { names, owner }: FillPayload): Promise<void> {
  await removeNames(target, names);
  fs.fchownSync(target, owner.uid, owner.gid);
  fs.fchmodSync(target, owner.mode & 0o7777);
}
