import type { StorageDriver } from '../contract.ts';
import { isRepositoryName, repositoriesRoot } from './paths.ts';

/**
 * The names of all repositories behind `after`, in the order in which CNCF distribution lists them: part by part
 * between slashes, so that `a/b` comes before `a-b`. Holds the names of one folder on each level, no more.
 */
export async function* listRepositories(storage: StorageDriver, after = ''): AsyncIterable<string> {
  yield* walk(storage, '', after === '' ? undefined : after.split('/'));
}

/** `after` is what is left of it below this folder; undefined where all is behind it. */
async function* walk(
  storage: StorageDriver,
  parent: string,
  after: readonly string[] | undefined,
): AsyncIterable<string> {
  for await (const part of storage.list(parent === '' ? repositoriesRoot : `${repositoriesRoot}/${parent}`)) {
    const [first = '', ...rest] = after ?? [];
    if (part.startsWith('_') || part < first) continue;
    const name = parent === '' ? part : `${parent}/${part}`;
    if (!isRepositoryName(name)) continue;
    const passed = after === undefined || part > first;
    if (passed && (await isRepository(storage, name))) yield name;
    yield* walk(storage, name, passed ? undefined : rest.length > 0 ? rest : undefined);
  }
}

/** True for one that has, or had, blobs or manifests; uploads alone make none. */
export async function isRepository(storage: StorageDriver, name: string): Promise<boolean> {
  for await (const part of storage.list(`${repositoriesRoot}/${name}`)) {
    if (part === '_layers' || part === '_manifests') return true;
  }
  return false;
}
