import type { StorageDriver } from '../contract.ts';
import { digestsIn, manifestsOf } from '../gc/census.ts';
import { listRepositories } from '../storage/catalog.ts';
import { blobData, layerLink, layersFolder } from '../storage/paths.ts';

/** What a repository takes: its blobs and manifests, each counted once, though other repositories may share them. */
export interface RepositorySize {
  readonly repository: string;
  readonly manifests: number;
  readonly blobs: number;
  readonly bytes: number;
}

/** Looks up how large things are, and remembers it: content never changes under its digest. */
export function createSizes(storage: StorageDriver): (digest: string) => Promise<number> {
  const known = new Map<string, number>();
  return async (digest) => {
    const before = known.get(digest);
    if (before !== undefined) return before;
    const size = (await storage.stat(blobData(digest)))?.size;
    if (size === undefined) return 0; // not known of what may come again
    known.set(digest, size);
    if (known.size > 100_000) for (const oldest of known.keys()) return known.delete(oldest) ? size : size;
    return size;
  };
}

/** The digests of everything that a repository has, manifests first. */
export async function* contentOf(
  storage: StorageDriver,
  repository: string,
): AsyncIterable<{ readonly digest: string; readonly manifest: boolean }> {
  for await (const digest of manifestsOf(storage, repository)) yield { digest, manifest: true };
  for await (const digest of digestsIn(storage, layersFolder(repository))) {
    if (await storage.stat(layerLink(repository, digest))) yield { digest, manifest: false };
  }
}

/** The sizes of all repositories, or of those that are `wanted`, in the order of their listing. */
export async function* repositorySizes(
  storage: StorageDriver,
  wanted: (repository: string) => boolean = () => true,
): AsyncIterable<RepositorySize & { readonly digests: ReadonlyMap<string, number> }> {
  const sizeOf = createSizes(storage);
  for await (const repository of listRepositories(storage)) {
    if (!wanted(repository)) continue;
    const digests = new Map<string, number>();
    let manifests = 0;
    for await (const { digest, manifest } of contentOf(storage, repository)) {
      if (manifest) manifests += 1;
      digests.set(digest, await sizeOf(digest));
    }
    const bytes = [...digests.values()].reduce((sum, size) => sum + size, 0);
    yield { repository, manifests, blobs: digests.size - manifests, bytes, digests };
  }
}
