import type { StorageDriver } from '../contract.ts';
import { isRepositoryName, repositoriesRoot } from './paths.ts';

/**
 * The names of all repositories behind `after`, in the order in which CNCF distribution lists them: part by part
 * between slashes, so that `a/b` comes before `a-b`. Holds some thousand names on each level, however many there are.
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
  const below = (part: string): string => (parent === '' ? part : `${parent}/${part}`);
  const [first, ...rest] = after ?? [];
  if (first !== undefined && isRepositoryName(below(first))) {
    yield* walk(storage, below(first), rest.length > 0 ? rest : undefined);
  }
  for await (const part of storage.list(parent === '' ? repositoriesRoot : `${repositoriesRoot}/${parent}`, first)) {
    const name = below(part);
    if (part.startsWith('_') || !isRepositoryName(name)) continue;
    if (await isRepository(storage, name)) yield name;
    yield* walk(storage, name, undefined);
  }
}

/** True for one that has, or had, blobs or manifests; uploads alone make none. */
export async function isRepository(storage: StorageDriver, name: string): Promise<boolean> {
  for await (const part of storage.list(`${repositoriesRoot}/${name}`)) {
    if (part === '_layers' || part === '_manifests') return true;
  }
  return false;
}
