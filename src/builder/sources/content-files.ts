import { createHash } from 'node:crypto';
import type { SparseSegment } from '../../formats/tar/entry.ts';
import { type WriteBehind, writeBehind } from '../../images/content/write-behind.ts';
import { largeContent, mostOwn, type OwnContent, openOwnContent } from './own-content.ts';
import type { Packed } from './packed-tree.ts';

/** Contents of an archive on their way to the disk: large ones each to a file of its own, the others into one. */
export interface ContentFiles {
  /** The files of those that have their own. The caller closes them. */
  readonly separate: ReadonlySet<OwnContent>;
  /** Begins the next content; one at a time. */
  begin(about: { readonly size: number; readonly sparse?: readonly SparseSegment[] | undefined }): IncomingContent;
  /** Waits until little of what was given is left to write. @throws what a write threw. */
  room(): Promise<void>;
  /** Waits for all. @throws what a write threw. */
  end(): Promise<void>;
  /** Waits until nothing is being written, whatever came of it. */
  settle(): Promise<void>;
}

export interface IncomingContent {
  /** Takes a copy of the next bytes. */
  push(chunk: Buffer): void;
  /** Where it came to lie, once all of it was pushed. */
  end(): Pick<Packed, 'offset' | 'stored' | 'digest' | 'own'>;
}

/** `fd` is the file of those that have none of their own, `folder` where the others are made, without names. */
export function createContentFiles(fd: number, folder: string): ContentFiles {
  const together = writeBehind(fd);
  let position = 0;
  const separate = new Set<OwnContent>();
  /** The file of the content that comes, where it has one of its own. */
  let alone: WriteBehind | undefined;
  /** The end of all such files before. */
  let ended: Promise<void> = Promise.resolve();
  const endAlone = (last: WriteBehind): void => {
    alone = undefined;
    ended = Promise.allSettled([ended, last.flush()]).then((all) => {
      for (const one of all) if (one.status === 'rejected') throw one.reason;
    });
    ended.catch(() => {}); // who waits for it is told
  };
  return {
    separate,
    begin({ size, sparse }) {
      const own = size >= largeContent && !sparse && separate.size < mostOwn ? openOwnContent(folder) : undefined;
      if (own) {
        separate.add(own);
        alone = writeBehind(own.fd);
      }
      const writer = alone ?? together;
      const offset = own ? 0 : position;
      const hash = createHash('sha256');
      let stored = 0;
      return {
        push(chunk) {
          writer.push(chunk);
          hash.update(chunk);
          stored += chunk.length;
        },
        end() {
          if (own) endAlone(writer);
          else position += stored;
          if (sparse) hash.update(JSON.stringify(sparse));
          return { offset, stored, digest: hash.digest('hex'), own };
        },
      };
    },
    async room() {
      await together.room();
      await ended;
      await alone?.room();
    },
    async end() {
      await together.flush();
      await ended;
    },
    async settle() {
      await Promise.allSettled([together.drop(), ended, alone?.drop()]);
    },
  };
}
