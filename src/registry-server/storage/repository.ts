import { isKind, notFound } from '../../base/errors.ts';
import type { OpenRepository, Repository, StorageDriver } from '../contract.ts';
import { createKeeper, type Keeper } from '../gc/keeper.ts';
import { openBlobs } from './blobs.ts';
import { isRepository } from './catalog.ts';
import type { LinkCache } from './links.ts';
import { deleteManifest, deleteTag, getManifest, putManifest } from './manifests.ts';
import { checkDigest, checkName, tagsFolder } from './paths.ts';
import { listReferrers } from './referrers.ts';
import { openUploads } from './uploads.ts';

/** Repositories over a storage; they hold nothing but what speeds them up. */
export function openRepositories(
  storage: StorageDriver,
  cache?: LinkCache,
  keeper: Keeper = createKeeper(storage),
): OpenRepository {
  const blobs = openBlobs(storage, cache, keeper);
  const uploads = openUploads(storage, blobs);
  return async (given) => {
    const name = checkName(given);
    const repository: Repository = {
      name,
      manifest: (reference) => getManifest(storage, name, reference),
      blob: (digest) => blobs.open(name, checkDigest(digest)),
      holdBlob: (digest) => blobs.hold(name, checkDigest(digest)),
      putManifest: (reference, mediaType, content) =>
        putManifest({ storage, blobs, keeper }, name, reference, mediaType, content),
      deleteManifest: (digest) => deleteManifest(storage, name, digest),
      deleteTag: (tag) => deleteTag(storage, name, tag),
      deleteBlob: (digest) => blobs.unlink(name, digest),
      tags: (after) => listTags(storage, name, after),
      referrers: (digest) => listReferrers(storage, name, digest, repository.manifest),
      async mount(digest, from) {
        try {
          await blobs.hold(checkName(from), digest);
        } catch (error) {
          if (isKind(error, 'not-found') || isKind(error, 'invalid')) return undefined; // the client sends it then
          throw error;
        }
        return await blobs.link(name, digest);
      },
      startUpload: () => uploads.start(name),
      upload: (id) => uploads.resume(name, id),
    };
    return repository;
  };
}

/** @throws not-found `name-unknown` where there is no such repository. */
async function* listTags(storage: StorageDriver, name: string, after: string | undefined): AsyncIterable<string> {
  let any = false;
  for await (const tag of storage.list(tagsFolder(name), after)) {
    any = true;
    yield tag;
  }
  if (any || (await isRepository(storage, name))) return;
  throw notFound(`repository name not known to registry: ${name}`, { code: 'name-unknown' });
}
