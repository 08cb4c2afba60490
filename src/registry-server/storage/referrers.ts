import { isKind } from '../../base/errors.ts';
import type { Referrer, StorageDriver, StoredManifest } from '../contract.ts';
import { readLink } from './links.ts';
import { readManifest } from './manifest-shape.ts';
import { checkDigest, referrerEntry, referrersFolder, revisionLink } from './paths.ts';

/** Idempotent. */
export async function addReferrer(
  storage: StorageDriver,
  name: string,
  subject: string,
  entry: Referrer,
): Promise<void> {
  await storage.put(referrerEntry(name, subject, entry.digest), Buffer.from(JSON.stringify(entry)));
}

/** Idempotent. */
export async function removeReferrer(
  storage: StorageDriver,
  name: string,
  subject: string,
  digest: string,
): Promise<void> {
  await storage.remove(referrerEntry(name, subject, digest).slice(0, -'/entry'.length));
}

/**
 * What refers to a manifest: what was pushed here, by digest, and what clients listed under the fallback tag while the
 * repository was served by a registry without the referrers API (distribution-spec, "Referrers Tag Schema").
 */
export async function* listReferrers(
  storage: StorageDriver,
  name: string,
  subject: string,
  getManifest: (reference: string) => Promise<StoredManifest>,
): AsyncIterable<Referrer> {
  checkDigest(subject);
  const known = new Set<string>();
  const folder = referrersFolder(name, subject);
  for await (const algorithm of storage.list(folder)) {
    for await (const hex of storage.list(`${folder}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      const entry = await readEntry(storage, name, subject, digest);
      if (entry) yield entry;
      known.add(digest);
    }
  }
  for (const digest of await listedByClients(subject, getManifest)) {
    if (known.has(digest)) continue;
    const entry = await entryOf(digest, subject, getManifest);
    if (entry) yield entry;
  }
}

/** Undefined for one whose manifest is gone, or that a power cut left broken. */
async function readEntry(
  storage: StorageDriver,
  name: string,
  subject: string,
  digest: string,
): Promise<Referrer | undefined> {
  if ((await readLink(storage, revisionLink(name, digest))) === undefined) return undefined;
  try {
    return JSON.parse((await storage.get(referrerEntry(name, subject, digest))).toString()) as Referrer;
  } catch (error) {
    if (isKind(error, 'not-found') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function listedByClients(
  subject: string,
  getManifest: (reference: string) => Promise<StoredManifest>,
): Promise<string[]> {
  const [algorithm = '', encoded = ''] = subject.split(':');
  const index = await unlessMissing(getManifest(`${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`));
  return index ? readManifest(index.content).manifests.map(({ digest }) => digest) : [];
}

async function entryOf(
  digest: string,
  subject: string,
  getManifest: (reference: string) => Promise<StoredManifest>,
): Promise<Referrer | undefined> {
  const manifest = await unlessMissing(getManifest(digest));
  if (manifest === undefined) return undefined;
  const shape = readManifest(manifest.content);
  return shape.subject === subject ? { ...shape.referrer, digest, size: manifest.content.length } : undefined;
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  }
}
