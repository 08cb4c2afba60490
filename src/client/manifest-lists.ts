import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import type { Descriptor, ImageManifest } from '../api/oci/image.ts';
import { errnoOf, invalid, messageOf } from '../base/errors.ts';
import { writeAllSync } from '../base/write-all.ts';
import { formatReference, type Reference } from '../formats/reference.ts';

/** An image's manifest as it lies in a local list, in the shape of Docker's command line. */
export interface LocalManifest {
  /** The name it was looked up by, normalised. */
  readonly Ref: string;
  /** With the platform that the list is to say of it. */
  readonly Descriptor: Descriptor;
  /** The manifest's bytes in base64. */
  readonly Raw: string;
  readonly SchemaV2Manifest?: ImageManifest;
  readonly OCIManifest?: ImageManifest;
}

/**
 * Lists of manifests that are being put together, in Docker's own place and form (a folder for each list, a JSON file
 * for each image), so that both command lines see each other's. Drafts lie outside of the lists until they are whole:
 * killed at any moment, a list has its old files or its new ones, and a draft may be left that nothing reads and a
 * later change takes away.
 */
export interface ManifestLists {
  /** The manifests of a list in the order of their files' names; undefined when there is no such list. @throws invalid for a damaged file. */
  list(list: Reference): LocalManifest[] | undefined;
  get(list: Reference, image: Reference): LocalManifest | undefined;
  /** Adds images to a list, or replaces them in it. A new list appears with all of them at once. */
  save(list: Reference, images: readonly { image: Reference; manifest: LocalManifest }[]): void;
  /** False when there is none. */
  remove(list: Reference): boolean;
}

/** @param folder of the client's configuration. */
export function openManifestLists(folder: string): ManifestLists {
  const root = path.join(folder, 'manifests');
  const folderOf = (list: Reference): string => path.join(root, fileName(list));
  const draft = (): string => path.join(root, `${draftPrefix}${randomBytes(6).toString('hex')}`);
  return {
    list(list) {
      const names = fileNames(folderOf(list));
      return names?.map((name) => readManifest(path.join(folderOf(list), name))).filter((one) => one !== undefined);
    },
    get: (list, image) => readManifest(path.join(folderOf(list), fileName(image))),
    save(list, images) {
      mkdirSync(root, { recursive: true, mode: 0o755 });
      sweepDrafts(root);
      const files = images.map(({ image, manifest }) => ({ name: fileName(image), text: JSON.stringify(manifest) }));
      if (fileNames(folderOf(list)) === undefined && createFolder(draft(), folderOf(list), files)) return;
      for (const { name, text } of files) {
        const file = draft();
        try {
          writeSynced(file, text);
          renameSync(file, path.join(folderOf(list), name));
        } catch (error) {
          rmSync(file, { force: true });
          throw error;
        }
      }
    },
    remove(list) {
      const doomed = draft();
      try {
        renameSync(folderOf(list), doomed);
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return false;
        throw error;
      }
      rmSync(doomed, { recursive: true, force: true });
      return true;
    },
  };
}

const draftPrefix = '.tmp-';
/** Milliseconds after which nobody works on a draft any more. */
const abandoned = 10 * 60_000;

/** Takes away what killed programs have left. */
function sweepDrafts(root: string): void {
  for (const name of readdirSync(root)) {
    if (!name.startsWith(draftPrefix)) continue;
    const draft = path.join(root, name);
    const changed = statSync(draft, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (changed < Date.now() - abandoned) rmSync(draft, { recursive: true, force: true });
  }
}

/** Docker's way to make a file name of a reference. */
const fileName = (reference: Reference): string => formatReference(reference).replaceAll(':', '-').replaceAll('/', '_');

function fileNames(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Makes a folder with its files and gives it its name; false when another program made it meanwhile. */
function createFolder(draft: string, folder: string, files: readonly { name: string; text: string }[]): boolean {
  try {
    mkdirSync(draft, { mode: 0o755 });
    for (const { name, text } of files) writeSynced(path.join(draft, name), text);
    renameSync(draft, folder);
    return true;
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (errnoOf(error) === 'ENOTEMPTY' || errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function writeSynced(file: string, text: string): void {
  const fd = openSync(file, 'wx', 0o644);
  try {
    writeAllSync(fd, Buffer.from(text));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function readManifest(file: string): LocalManifest | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const parsed = JSON.parse(text) as Partial<LocalManifest> | null;
    const { Ref, Descriptor, Raw } = parsed ?? {};
    if (typeof Ref === 'string' && typeof Raw === 'string' && typeof Descriptor?.digest === 'string') {
      return parsed as LocalManifest;
    }
  } catch (error) {
    throw damaged(file, messageOf(error), error);
  }
  throw damaged(file, 'it lacks Ref, Descriptor or Raw');
}

const damaged = (file: string, why: string, cause?: unknown): Error =>
  invalid(`the local manifest ${file} is damaged (${why}): remove its list with "manifest rm" and create it again`, {
    cause,
  });
