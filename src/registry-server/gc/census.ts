import { isKind } from '../../base/errors.ts';
import type { StorageDriver } from '../contract.ts';
import { listRepositories } from '../storage/catalog.ts';
import { readManifest } from '../storage/manifest-shape.ts';
import {
  blobData,
  isUploadId,
  layerLink,
  layersFolder,
  revisionLink,
  revisionsFolder,
  uploadFolder,
  uploadsFolder,
} from '../storage/paths.ts';
import { manifestKey } from './condemned.ts';

/** A blob's link that nothing in its repository needs. */
export interface LooseLink {
  readonly repository: string;
  readonly digest: string;
}

/** What of a registry is needed, as it was found by looking at all repositories. */
export interface Census {
  /** Manifests, what they refer to, and what pushes that go on may need. */
  readonly kept: Set<string>;
  readonly loose: LooseLink[];
  /** The manifests that were looked at, by repository. */
  readonly seen: Set<string>;
  /** Manifests that cannot be read: nothing of their repositories is loose. */
  readonly damaged: string[];
}

/** A time of the store's clock, and how old what nobody needs has to be; both in milliseconds. */
export interface Ages {
  readonly now: number;
  readonly grace: number;
}

export async function takeCensus(storage: StorageDriver, ages: Ages): Promise<Census> {
  const census: Census = { kept: new Set(), loose: [], seen: new Set(), damaged: [] };
  for await (const repository of listRepositories(storage)) await countRepository(storage, repository, ages, census);
  return census;
}

async function countRepository(storage: StorageDriver, repository: string, ages: Ages, census: Census): Promise<void> {
  const needed = new Set<string>();
  const damagedBefore = census.damaged.length;
  for await (const digest of manifestsOf(storage, repository)) {
    census.seen.add(manifestKey(repository, digest));
    needed.add(digest);
    const parts = await partsOf(storage, digest);
    if (parts === undefined) census.damaged.push(manifestKey(repository, digest));
    for (const part of parts ?? []) needed.add(part);
  }
  for (const digest of needed) census.kept.add(digest);
  const keepsAll = census.damaged.length > damagedBefore || (await isBeingPushedTo(storage, repository, ages));
  for await (const digest of digestsIn(storage, layersFolder(repository))) {
    if (needed.has(digest)) continue;
    const link = keepsAll ? undefined : await storage.stat(layerLink(repository, digest));
    if (keepsAll || isFresh(link, ages)) census.kept.add(digest);
    else census.loose.push({ repository, digest });
  }
}

/**
 * Which of these digests somebody has come to need since the census: what manifests that are new refer to, and what a
 * link names that is new.
 */
export async function neededSince(
  storage: StorageDriver,
  digests: ReadonlySet<string>,
  { seen }: Census,
  ages: Ages,
): Promise<Set<string>> {
  const needed = new Set<string>();
  for await (const repository of listRepositories(storage)) {
    for await (const digest of manifestsOf(storage, repository)) {
      if (seen.has(manifestKey(repository, digest))) continue;
      for (const part of [digest, ...((await partsOf(storage, digest)) ?? digests)]) needed.add(part);
    }
    for await (const digest of digestsIn(storage, layersFolder(repository))) {
      if (!digests.has(digest) || needed.has(digest)) continue;
      if (isFresh(await storage.stat(layerLink(repository, digest)), ages)) needed.add(digest);
    }
  }
  return needed;
}

export const isFresh = (stats: { readonly modified: Date } | undefined, { now, grace }: Ages): boolean =>
  stats !== undefined && now - stats.modified.getTime() < grace;

/** A push may need any blob of the repository for as long as it sends others. */
async function isBeingPushedTo(storage: StorageDriver, repository: string, ages: Ages): Promise<boolean> {
  for await (const id of storage.list(uploadsFolder(repository))) {
    if (!isUploadId(id)) continue;
    const folder = uploadFolder(repository, id);
    for (const file of ['data', 'startedat']) if (isFresh(await storage.stat(`${folder}/${file}`), ages)) return true;
  }
  return false;
}

/** The manifests of a repository: those with a link. */
export async function* manifestsOf(storage: StorageDriver, repository: string): AsyncIterable<string> {
  for await (const digest of digestsIn(storage, revisionsFolder(repository))) {
    if (await storage.stat(revisionLink(repository, digest))) yield digest;
  }
}

/** The digests that a folder has folders for, by algorithm. */
export async function* digestsIn(storage: StorageDriver, folder: string): AsyncIterable<string> {
  for await (const algorithm of storage.list(folder)) {
    for await (const hex of storage.list(`${folder}/${algorithm}`)) yield `${algorithm}:${hex}`;
  }
}

/** What a manifest refers to; undefined for one that cannot be read as one, or whose bytes are gone. */
async function partsOf(storage: StorageDriver, digest: string): Promise<string[] | undefined> {
  try {
    const shape = readManifest(await storage.get(blobData(digest)));
    return [...shape.blobs, ...shape.elsewhere, ...shape.manifests].map((part) => part.digest);
  } catch (error) {
    if (isKind(error, 'invalid') || isKind(error, 'not-found')) return undefined;
    throw error;
  }
}
