import * as fs from 'node:fs';
import { errnoOf, invalid } from '../../base/errors.ts';
import { openFolderBeneath } from '../../host/read-in-root.ts';
import { type ByteString, shown, systemPath } from '../unpack/names.ts';

/** A folder of a layer or of a container, held open; its files are named below `/proc/self/fd`. */
export interface HeldFolder extends Disposable {
  /** The path of a file in it, for system calls that do not follow a link at the end. */
  at(name: ByteString): string | Buffer;
  /** Its files, by name. */
  list(): fs.Dirent<Buffer>[];
}

/**
 * Holds a folder below `root`, whatever the container that writes there does meanwhile. Undefined when it is gone, or
 * is no folder any more.
 * @throws invalid for a path longer than the kernel takes.
 */
export function holdFolder(root: string, relative: ByteString): HeldFolder | undefined {
  const fd = ifThere(() => openFolderBeneath(root, checkedPath(relative)));
  if (fd === undefined) return undefined;
  const place = `/proc/self/fd/${fd}`;
  return {
    at: (name) => systemPath(`${place}/${name}`),
    list: () => fs.readdirSync(`${place}/`, { encoding: 'buffer', withFileTypes: true }),
    [Symbol.dispose]: () => fs.closeSync(fd),
  };
}

/** The path as system calls take it. */
function checkedPath(relative: ByteString): string | Buffer {
  if (relative.length < 4096) return systemPath(relative);
  throw invalid(`the path is too long: ${shown(relative)}`, { code: 'path-too-long' });
}

/** What a look at a file gives, undefined when it is gone or has become something else meanwhile. */
export function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
