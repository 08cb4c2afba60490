import { internal, invalid, isKind, notFound } from '../../base/errors.ts';
import { isDigest, sha256, sha512 } from '../../formats/digest.ts';
import type { StorageDriver, StoredManifest } from '../contract.ts';
import { manifestKey, tagKey } from '../gc/condemned.ts';
import type { Keeper } from '../gc/keeper.ts';
import type { Blobs } from './blobs.ts';
import { readLink, writeLink } from './links.ts';
import { type ManifestShape, readManifest } from './manifest-shape.ts';
import { blobData, revisionLink, tagFolder, tagIndexLink, tagLink, tagsFolder } from './paths.ts';
import { addReferrer, removeReferrer } from './referrers.ts';

interface Context {
  readonly storage: StorageDriver;
  readonly blobs: Blobs;
  readonly keeper: Keeper;
}

/** The bytes hash to the digest, whatever happened to the disk. @throws not-found `manifest-unknown`. */
export async function getManifest(storage: StorageDriver, name: string, reference: string): Promise<StoredManifest> {
  const digest = isDigest(reference) ? reference : await readLink(storage, tagLink(name, reference));
  if (digest === undefined || (await readLink(storage, revisionLink(name, digest))) === undefined) {
    throw unknownManifest(reference);
  }
  let content: Buffer;
  try {
    content = await storage.get(blobData(digest));
  } catch (error) {
    if (isKind(error, 'not-found')) throw unknownManifest(reference);
    throw error;
  }
  if (digestAs(digest, content) !== digest) throw internal(`the stored manifest ${digest} is damaged`);
  return { digest, mediaType: readManifest(content).mediaType, content };
}

/**
 * Stores a manifest whose parts are all there: first its bytes, then that it is one of the repository, what it refers
 * to, and at last its tag. Killed in between, what is missing is missing and what is there is whole; it may be repeated.
 */
export async function putManifest(
  context: Context,
  name: string,
  reference: string,
  mediaType: string,
  content: Buffer,
): Promise<{ digest: string; subject?: string }> {
  const digest = isDigest(reference) ? digestAs(reference, content) : sha256(content);
  if (isDigest(reference) && reference !== digest) {
    throw invalid(`the digest does not match the content: said was ${reference}, it is ${digest}`, {
      code: 'digest-invalid',
    });
  }
  if (!isDigest(reference)) tagLink(name, reference); // refuses what is no tag before anything is stored
  const shape = readManifest(content, mediaType);
  await store(context, name, isDigest(reference) ? undefined : reference, digest, shape, content);
  return { digest, ...(shape.subject ? { subject: shape.subject } : {}) };
}

/** Writes all again where a collection may have taken some of it meanwhile (`gc/keeper.ts`). */
async function store(
  context: Context,
  name: string,
  tag: string | undefined,
  digest: string,
  shape: ManifestShape,
  content: Buffer,
): Promise<void> {
  const { storage, keeper } = context;
  const revision = revisionLink(name, digest);
  const own = manifestKey(name, digest);
  const parts = [...shape.blobs, ...shape.manifests].map((part) => part.digest);
  for (let first = true; ; first = false) {
    const begun = performance.now();
    try {
      await checkParts(context, name, shape);
    } catch (error) {
      if (!first) await storage.remove(revision.slice(0, -'/link'.length));
      throw error;
    }
    await storage.put(blobData(digest), content);
    await writeLink(storage, revision, digest);
    // From here on collections see what the manifest needs.
    if ((await keeper.settled([digest, own, ...parts])) || (first && keeper.isLate(begun))) continue;
    if (shape.subject)
      await addReferrer(storage, name, shape.subject, { ...shape.referrer, digest, size: content.length });
    if (tag === undefined) return;
    await writeLink(storage, tagIndexLink(name, tag, digest), digest);
    await writeLink(storage, tagLink(name, tag), digest);
    if (!(await keeper.settled([own, tagKey(name, tag)]))) return;
  }
}

/** Every part has to be in this repository, and to be as large as is said. */
async function checkParts({ blobs, keeper }: Context, name: string, shape: ManifestShape): Promise<void> {
  const checkBlob = async ({ digest, size }: { digest: string; size: number }): Promise<void> => {
    const blob = await blobs.hold(name, digest).catch((error: unknown) => {
      if (isKind(error, 'not-found')) throw missing(`blob unknown to registry: ${digest}`);
      throw error;
    });
    if (blob.size !== size) {
      throw invalid(`manifest invalid: ${digest} has ${blob.size} bytes, not ${size}`, { code: 'manifest-invalid' });
    }
  };
  const checkManifest = async ({ digest }: { digest: string }): Promise<void> => {
    if (!(await keeper.renew(revisionLink(name, digest), manifestKey(name, digest)))) {
      throw missing(`manifest unknown to registry: ${digest}`);
    }
  };
  for (const part of shape.blobs) await checkBlob(part);
  for (const part of shape.manifests) await checkManifest(part);
}

const missing = (message: string) => invalid(message, { code: 'manifest-blob-unknown' });

/**
 * Takes a manifest out of the repository, with the tags that name it. Killed in between, tags are gone, or its entry
 * among what refers to another, and the manifest is still there: it may be repeated.
 * @throws not-found `manifest-unknown`.
 */
export async function deleteManifest(storage: StorageDriver, name: string, digest: string): Promise<void> {
  const { content } = await getManifest(storage, name, digest);
  for await (const tag of storage.list(tagsFolder(name))) {
    if ((await readLink(storage, tagLink(name, tag))) === digest) await storage.remove(tagFolder(name, tag));
  }
  const { subject } = readManifest(content);
  if (subject) await removeReferrer(storage, name, subject, digest);
  await storage.remove(revisionLink(name, digest).slice(0, -'/link'.length));
}

/** The manifest stays, and its other tags. @throws not-found `manifest-unknown`. */
export async function deleteTag(storage: StorageDriver, name: string, tag: string): Promise<void> {
  if ((await readLink(storage, tagLink(name, tag))) === undefined) throw unknownManifest(tag);
  await storage.remove(tagFolder(name, tag));
}

export const unknownManifest = (reference: string) =>
  notFound(`manifest unknown: ${reference}`, { code: 'manifest-unknown' });

function digestAs(digest: string, content: Buffer): string {
  if (digest.startsWith('sha256:')) return sha256(content);
  if (digest.startsWith('sha512:')) return sha512(content);
  throw invalid(`manifests are known by sha256 and sha512: ${digest}`, { code: 'digest-invalid' });
}
