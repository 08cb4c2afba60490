import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { mount, mountFlags, unmount } from '../../src/host/mount.ts';

/** A file system in memory whose room is counted in pages and in files. Disposing unmounts and removes it. */
export interface PageDisk extends AsyncDisposable {
  readonly folder: string;
  /** From now on there is room for so many more pages and files. */
  leave(room: { pages: number; files: number }): Promise<void>;
}

export const plenty = 100_000;

export async function makePageDisk(): Promise<PageDisk> {
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'tug-pages-'));
  mount('tmpfs', folder, 'tmpfs', 0, 'mode=0700');
  return {
    folder,
    async leave({ pages, files }) {
      const { blocks, bfree, files: all, ffree } = await fs.statfs(folder);
      const room = `nr_blocks=${blocks - bfree + pages},nr_inodes=${all - ffree + files}`;
      mount('tmpfs', folder, 'tmpfs', mountFlags.remount, room);
    },
    async [Symbol.asyncDispose]() {
      unmount(folder, { detach: true });
      await fs.rm(folder, { recursive: true });
    },
  };
}
