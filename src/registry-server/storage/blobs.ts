import { notFound } from '../../base/errors.ts';
import type { StorageDriver, StoredBlob } from '../contract.ts';
import type { Keeper } from '../gc/keeper.ts';
import { type LinkCache, readLink, writeLink } from './links.ts';
import { blobData, checkDigest, layerLink } from './paths.ts';

/** The blobs of all repositories: bytes are kept once, and each repository has links to those that are its own. */
export interface Blobs {
  /** @throws not-found `blob-unknown`. */
  open(name: string, digest: string): Promise<StoredBlob>;
  /** As `open`, for somebody who pushes: no collection takes the blob before its manifest can be there. */
  hold(name: string, digest: string): Promise<StoredBlob>;
  /**
   * Makes bytes that are stored one of a repository's blobs, which no collection at the same time takes then. Undefined
   * where the bytes are not there: the link is good for those that take their place at once. Idempotent.
   */
  link(name: string, digest: string): Promise<StoredBlob | undefined>;
  /** @throws not-found `blob-unknown`. The bytes stay for other repositories. */
  unlink(name: string, digest: string): Promise<void>;
}

export function openBlobs(storage: StorageDriver, cache: LinkCache | undefined, keeper: Keeper): Blobs {
  const isLinked = async (link: string): Promise<boolean> => {
    if (cache?.has(link)) return true;
    const there = (await readLink(storage, link)) !== undefined;
    if (there) cache?.add(link);
    return there;
  };
  return {
    async open(name, digest) {
      const link = layerLink(name, digest);
      const blob = (await isLinked(link)) ? await storedBlob(storage, digest) : undefined;
      if (blob) return blob;
      cache?.delete(link);
      throw unknownBlob(digest);
    },
    async hold(name, digest) {
      const link = layerLink(name, digest);
      const blob = (await keeper.renew(link, digest)) ? await storedBlob(storage, digest) : undefined;
      if (blob) return blob;
      cache?.delete(link);
      throw unknownBlob(digest);
    },
    async link(name, digest) {
      const link = layerLink(name, digest);
      do {
        await writeLink(storage, link, digest);
      } while (await keeper.settled([digest]));
      return await storedBlob(storage, digest);
    },
    async unlink(name, digest) {
      const link = layerLink(name, digest);
      cache?.delete(link);
      if ((await readLink(storage, link)) === undefined) throw unknownBlob(digest);
      await storage.remove(link.slice(0, -'/link'.length));
    },
  };
}

const unknownBlob = (digest: string) => notFound(`blob unknown to registry: ${digest}`, { code: 'blob-unknown' });

/** Bytes by their digest, whosever they are; undefined where they are not there. */
export async function storedBlob(storage: StorageDriver, digest: string): Promise<StoredBlob | undefined> {
  const path = blobData(checkDigest(digest));
  const stats = await storage.stat(path);
  if (stats === undefined) return undefined;
  const localPath = storage.localPath?.(path);
  return {
    size: stats.size,
    read: (range) => storage.read(path, range),
    ...(localPath === undefined ? {} : { localPath }),
  };
}
