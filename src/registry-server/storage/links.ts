import { isKind } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import type { StorageDriver } from '../contract.ts';

/** The digest that a link file holds; undefined where there is none, or one that a power cut left broken. */
export async function readLink(storage: StorageDriver, path: string): Promise<string | undefined> {
  try {
    const digest = (await storage.get(path)).toString('latin1').trim();
    return isDigest(digest) ? digest : undefined;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Idempotent. */
export function writeLink(storage: StorageDriver, path: string, digest: string): Promise<void> {
  return storage.put(path, Buffer.from(digest));
}

/** Remembers which links are there, the latest `limit` of them; a blob whose bytes are gone is missed all the same. */
export function cacheOfLinks(limit: number): {
  has(path: string): boolean;
  add(path: string): void;
  delete(path: string): void;
} {
  const known = new Set<string>();
  return {
    has: (path) => known.has(path),
    add(path) {
      known.delete(path);
      known.add(path);
      if (known.size > limit) for (const oldest of known) return void known.delete(oldest);
    },
    delete: (path) => void known.delete(path),
  };
}

export type LinkCache = ReturnType<typeof cacheOfLinks>;
