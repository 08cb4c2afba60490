import { randomUUID } from 'node:crypto';
import { isKind } from '../../base/errors.ts';
import type { StorageDriver } from '../contract.ts';
import { condemnedFolder } from './care-paths.ts';
import { hasEnded, thisProcess } from './holder.ts';

/** Names for what is not known by a digest alone. */
export const manifestKey = (repository: string, digest: string): string => `${repository}@${digest}`;
export const tagKey = (repository: string, tag: string): string => `${repository}:${tag}`;

/** How often a collection shows that it goes on, and how long without that it is taken for dead; milliseconds. */
const beat = 5_000;
const silence = 30_000;

/** What a collection has said it will remove unless it finds that somebody needs it. Disposing says that all is decided. */
export interface Condemned extends AsyncDisposable {
  /** What is left: pushes no longer wait for the others. */
  only(keys: readonly string[]): Promise<void>;
  /** False when pushes may have given up waiting, as this process stood still: then nothing more may be removed. */
  holds(): boolean;
}

/**
 * Seen by every process when it resolves. Killed before it is disposed, pushes of what it names wait half a minute,
 * those on the same machine not at all.
 */
export async function condemn(storage: StorageDriver, keys: readonly string[]): Promise<Condemned> {
  const file = `${condemnedFolder}/${randomUUID()}`;
  const write = (named: readonly string[]): Promise<void> =>
    storage.put(file, Buffer.from(JSON.stringify({ ...thisProcess(), keys: named })));
  let shown = performance.now();
  let lost = false;
  const holds = (): boolean => {
    lost ||= performance.now() - shown > silence / 2;
    return !lost;
  };
  await write(keys);
  const showAgain = async (since: number): Promise<void> => {
    try {
      await storage.touch(file);
      shown = since;
    } catch {} // the next one may work
  };
  const beating = setInterval(() => {
    const since = performance.now();
    if (holds()) void showAgain(since);
  }, beat);
  beating.unref();
  return {
    holds,
    only: write,
    async [Symbol.asyncDispose]() {
      clearInterval(beating);
      await storage.remove(file);
    },
  };
}

/** Waits for collections to decide on what one of them has named. */
export interface Decisions {
  /** Whether a collection that goes on has named one of these. */
  pending(wanted: ReadonlySet<string>): Promise<boolean>;
}

/** For one who asks again and again, and so sees which collections no longer go on. */
export function watchDecisions(storage: StorageDriver): Decisions {
  const seen = new Map<string, { readonly modified: number; readonly at: number }>();
  const isSilent = async (file: string): Promise<boolean> => {
    const modified = (await storage.stat(file))?.modified.getTime() ?? 0;
    const before = seen.get(file);
    if (before?.modified === modified) return performance.now() - before.at > silence;
    seen.set(file, { modified, at: performance.now() });
    return false;
  };
  return {
    async pending(wanted) {
      for await (const name of storage.list(condemnedFolder)) {
        const file = `${condemnedFolder}/${name}`;
        const keys = await keysOf(storage, file);
        if (keys.some((key) => wanted.has(String(key))) && !(await isSilent(file))) return true;
      }
      return false;
    },
  };
}

/** Removes what collections that were killed have left: what is older than `age`, in milliseconds by the store's clock. */
export async function forgetOldCondemned(storage: StorageDriver, now: number, age = 10 * silence): Promise<void> {
  for await (const name of storage.list(condemnedFolder)) {
    const file = `${condemnedFolder}/${name}`;
    const stats = await storage.stat(file);
    if (stats && now - stats.modified.getTime() > age) await storage.remove(file);
  }
}

/** What a collection has named; nothing where its process is known to have ended. */
async function keysOf(storage: StorageDriver, file: string): Promise<readonly unknown[]> {
  try {
    const value = JSON.parse(String(await storage.get(file))) as { keys?: unknown };
    return Array.isArray(value.keys) && !hasEnded(value) ? value.keys : [];
  } catch (error) {
    if (isKind(error, 'not-found') || error instanceof SyntaxError) return []; // decided meanwhile, or a temporary file
    throw error;
  }
}
