import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { asTugError } from '../../base/errors.ts';
import { writeBehind } from '../../images/content/write-behind.ts';

/** What a layer's file is like, besides its content. */
export interface FileLook {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Unix nanoseconds. */
  readonly mtime: bigint;
}

/**
 * A content in a file of its own that has no name, so that nothing of it outlives the engine. Layers may give it one in
 * place of a copy: from then on it is written no more, and looks as in the first of them.
 */
export interface OwnContent {
  readonly fd: number;
  /** Whether a layer may have it as a file that looks so. */
  give(look: FileLook): boolean;
  /** Whether a layer has it. */
  hasName(): boolean;
  close(): void;
}

/** From so many bytes on a content gets a file of its own. */
export const largeContent = 4 * 1024 * 1024;

/** Of one context or archive: each has a descriptor. */
export const mostOwn = 256;

const O_TMPFILE = 0o20000000 | fs.constants.O_DIRECTORY;

/** Opens an empty one on the file system of `folder`. Undefined where that cannot be. */
export function openOwnContent(folder: string): OwnContent | undefined {
  let fd: number;
  try {
    fd = fs.openSync(folder, fs.constants.O_RDWR | O_TMPFILE, 0o600);
  } catch {
    return undefined; // not every file system has files without names
  }
  let given: string | undefined;
  let open = true;
  return {
    fd,
    hasName: () => given !== undefined && fs.fstatSync(fd).nlink > 0,
    give({ mode, uid, gid, mtime }) {
      const like = `${mode} ${uid} ${gid} ${mtime}`;
      given ??= like;
      return given === like;
    },
    close() {
      if (open) fs.closeSync(fd);
      open = false;
    },
  };
}

/**
 * Writes pieces to a file from its beginning, each block while the next one is hashed. Returns the SHA-256, hex. Whether
 * it ends or throws, nothing is being written any more then. @throws exhausted, what the pieces throw.
 */
export async function writeHashed(fd: number, pieces: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  const behind = writeBehind(fd, (block) => hash.update(block));
  try {
    for await (const piece of pieces) {
      behind.push(piece);
      await behind.room();
    }
    await behind.flush();
  } catch (error) {
    await behind.drop();
    throw asTugError(error);
  }
  return hash.digest('hex');
}
