import { randomUUID } from 'node:crypto';
import { isKind } from '../../base/errors.ts';
import type { StorageDriver } from '../contract.ts';
import { condemnedFolder } from './care-paths.ts';

/** Names for what is not known by a digest alone. */
export const manifestKey = (repository: string, digest: string): string => `${repository}@${digest}`;
export const tagKey = (repository: string, tag: string): string => `${repository}:${tag}`;

/** What a collection has said it will remove unless it finds that somebody needs it. Disposing says that all is decided. */
export interface Condemned extends AsyncDisposable {
  /** What is left: pushes no longer wait for the others. */
  only(keys: readonly string[]): Promise<void>;
}

/** Seen by every process when it resolves. Killed before it is disposed, pushes of what it names wait in vain for a while. */
export async function condemn(storage: StorageDriver, keys: readonly string[]): Promise<Condemned> {
  const file = `${condemnedFolder}/${randomUUID()}`;
  const write = (named: readonly string[]): Promise<void> => storage.put(file, Buffer.from(JSON.stringify(named)));
  await write(keys);
  return {
    only: write,
    [Symbol.asyncDispose]: () => storage.remove(file),
  };
}

/** Whether any collection has named one of these. */
export async function namesCondemned(storage: StorageDriver, wanted: ReadonlySet<string>): Promise<boolean> {
  for await (const name of storage.list(condemnedFolder)) {
    for (const key of await keysOf(storage, `${condemnedFolder}/${name}`)) if (wanted.has(key)) return true;
  }
  return false;
}

/** Removes what collections that were killed have left: what is older than `age`, in milliseconds by the store's clock. */
export async function forgetOldCondemned(storage: StorageDriver, now: number, age: number): Promise<void> {
  for await (const name of storage.list(condemnedFolder)) {
    const file = `${condemnedFolder}/${name}`;
    const stats = await storage.stat(file);
    if (stats && now - stats.modified.getTime() > age) await storage.remove(file);
  }
}

async function keysOf(storage: StorageDriver, file: string): Promise<readonly string[]> {
  try {
    const value: unknown = JSON.parse(String(await storage.get(file)));
    return Array.isArray(value) ? value.filter((key) => typeof key === 'string') : [];
  } catch (error) {
    if (isKind(error, 'not-found') || error instanceof SyntaxError) return []; // decided meanwhile, or a temporary file
    throw error;
  }
}
