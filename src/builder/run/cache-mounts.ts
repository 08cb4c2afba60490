import * as fs from 'node:fs';
import * as path from 'node:path';
import { crashPoint } from '../../base/crash-points.ts';
import { removeTree } from '../../host/remove-tree.ts';
import type { CacheRecord, CacheStore } from '../cache/store.ts';

/** The folders of `RUN --mount=type=cache`, which outlive builds. */
export interface CacheMounts {
  /**
   * Gives a folder for as long as the command runs: `shared` at once, `locked` when nobody else has it, `private` another
   * one if somebody has it. `fill` puts in what a new one begins with.
   */
  take(
    key: string,
    options: { sharing: 'shared' | 'private' | 'locked'; description: string; fill: Fill },
    signal: AbortSignal,
  ): Promise<{ folder: string } & Disposable>;
  folderOf(record: CacheRecord): string;
  inUse(record: CacheRecord): boolean;
  remove(record: CacheRecord): Promise<void>;
}

type Fill = (folder: string) => Promise<void>;

/** `root` holds a folder per record, by its id. */
export function createCacheMounts(root: string, store: CacheStore): CacheMounts {
  const users = new Map<string, number>();
  const waiting = new Set<() => void>();
  const folderOf = ({ id }: CacheRecord): string => path.join(root, id);

  const making = new Map<string, Promise<CacheRecord>>();
  const recordFor = async (key: string, description: string, fill: Fill): Promise<CacheRecord> => {
    for (let other = making.get(key); other; other = making.get(key)) {
      const record = await other.catch(() => undefined); // told to the build that was filling it, and tried again by this one
      if (record) return record;
    }
    const promise = makeOrFind(key, description, fill).finally(() => making.delete(key));
    making.set(key, promise);
    return await promise;
  };
  const makeOrFind = async (key: string, description: string, fill: Fill): Promise<CacheRecord> => {
    const known = store.find(key);
    if (known && fs.existsSync(folderOf(known))) {
      store.touch(known);
      return known;
    }
    const created = new Date().toISOString();
    const record = store.put({
      key,
      kind: 'mount',
      layer: undefined,
      parent: undefined,
      size: 0,
      description,
      created,
    });
    crashPoint('build.mount.recorded');
    const made = `${folderOf(record)}.new`;
    fs.mkdirSync(made, { recursive: true, mode: 0o755 });
    try {
      await fill(made);
      crashPoint('build.mount.filled');
      fs.renameSync(made, folderOf(record));
      return record;
    } catch (error) {
      store.forget(record);
      await removeTree(made);
      throw error;
    }
  };
  return {
    folderOf,
    inUse: ({ key }) => users.has(key),
    async take(key, { sharing, description, fill }, signal) {
      let own = key;
      if (sharing === 'private') for (let number = 1; users.has(own); number += 1) own = `${key}-${number}`;
      while (sharing === 'locked' && users.has(own)) await nextChange(waiting, signal);
      users.set(own, (users.get(own) ?? 0) + 1);
      const release = (): void => {
        const left = (users.get(own) ?? 1) - 1;
        if (left > 0) users.set(own, left);
        else users.delete(own);
        for (const wake of [...waiting]) wake();
      };
      try {
        const record = await recordFor(own, description, fill);
        return { folder: folderOf(record), [Symbol.dispose]: release };
      } catch (error) {
        release();
        throw error;
      }
    },
    async remove(record) {
      store.forget(record);
      crashPoint('build.mount.forgotten');
      await removeTree(folderOf(record));
    },
  };
}

function nextChange(waiting: Set<() => void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => (): void => {
      waiting.delete(wake);
      signal.removeEventListener('abort', stop);
      settle();
    };
    const wake = end(resolve);
    const stop = end(() => reject(signal.reason));
    waiting.add(wake);
    signal.addEventListener('abort', stop, { once: true });
  });
}
