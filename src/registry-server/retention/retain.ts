import { isKind } from '../../base/errors.ts';
import type { RetentionRule } from '../config/care.ts';
import type { StorageDriver } from '../contract.ts';
import { storeTime } from '../gc/care-paths.ts';
import { manifestsOf } from '../gc/census.ts';
import { condemn, manifestKey, tagKey } from '../gc/condemned.ts';
import { listRepositories } from '../storage/catalog.ts';
import { readLink } from '../storage/links.ts';
import { type ManifestShape, readManifest } from '../storage/manifest-shape.ts';
import { deleteManifest } from '../storage/manifests.ts';
import { blobData, revisionLink, tagFolder, tagLink, tagsFolder } from '../storage/paths.ts';
import { forgetPulls, lastPulled } from './pulls.ts';
import { type Removal, ruleFor, type TagFacts, tagsToRemove, type UntaggedFacts, untaggedToRemove } from './rules.ts';

export interface RetainOptions {
  readonly rules: readonly RetentionRule[];
  readonly dryRun?: boolean;
  /** Told of each tag (`repository:tag`) and manifest (`repository@digest`) that is removed, or would be. */
  readonly removed?: (name: string, why: string) => void;
  readonly ended?: () => boolean;
}

export interface Retained {
  readonly tags: number;
  readonly manifests: number;
}

/**
 * Removes the tags and untagged manifests that the rules do not keep; their blobs are left to the next collection. A
 * tag that is pushed meanwhile stays. Killed at any moment, what is left is whole, and a second call does the rest.
 */
export async function retain(storage: StorageDriver, options: RetainOptions): Promise<Retained> {
  const total = { tags: 0, manifests: 0 };
  if (options.rules.length === 0) return total;
  const now = await storeTime(storage);
  for await (const repository of listRepositories(storage)) {
    if (options.ended?.()) break;
    const rule = ruleFor(repository, options.rules);
    if (rule === undefined) continue;
    const tags = await tagsOf(storage, repository);
    const doomed = tagsToRemove(tags, rule, now);
    const gone = await removeTags(storage, repository, doomed, options);
    total.tags += gone.size;
    const tagged = new Set(tags.filter(({ tag }) => !gone.has(tag)).map(({ digest }) => digest));
    const { untagged, needed } = await untaggedOf(storage, repository, tagged);
    total.manifests += await removeManifests(
      storage,
      repository,
      untaggedToRemove(untagged, rule, needed, now),
      options,
    );
  }
  return total;
}

async function tagsOf(storage: StorageDriver, repository: string): Promise<TagFacts[]> {
  const facts: TagFacts[] = [];
  for await (const tag of storage.list(tagsFolder(repository))) {
    const link = tagLink(repository, tag);
    const digest = await readLink(storage, link);
    const stats = await storage.stat(link);
    if (digest === undefined || stats === undefined) continue;
    facts.push({
      tag,
      digest,
      pushed: stats.modified.getTime(),
      pulled: await lastPulled(storage, repository, digest),
    });
  }
  return facts;
}

/** The manifests without a tag, and those that tagged ones need: the parts of indexes, and what refers to a manifest. */
async function untaggedOf(
  storage: StorageDriver,
  repository: string,
  tagged: ReadonlySet<string>,
): Promise<{ untagged: UntaggedFacts[]; needed: Set<string> }> {
  const untagged: UntaggedFacts[] = [];
  const parts = new Map<string, string[]>();
  for await (const digest of manifestsOf(storage, repository)) {
    const shape = await shapeOf(storage, digest);
    if (shape === undefined) continue; // nobody knows what it needs: it stays
    const add = (from: string, to: string): void => void parts.set(from, [...(parts.get(from) ?? []), to]);
    for (const part of shape.manifests) add(digest, part.digest);
    if (shape.subject !== undefined) add(shape.subject, digest);
    if (tagged.has(digest)) continue;
    const pushed = (await storage.stat(revisionLink(repository, digest)))?.modified.getTime();
    if (pushed !== undefined) untagged.push({ digest, pushed, pulled: await lastPulled(storage, repository, digest) });
  }
  const needed = new Set(tagged);
  for (const digest of needed) for (const part of parts.get(digest) ?? []) needed.add(part); // a set is walked to its growing end
  return { untagged, needed };
}

async function shapeOf(storage: StorageDriver, digest: string): Promise<ManifestShape | undefined> {
  try {
    return readManifest(await storage.get(blobData(digest)));
  } catch (error) {
    if (isKind(error, 'invalid') || isKind(error, 'not-found')) return undefined;
    throw error;
  }
}

async function removeTags(
  storage: StorageDriver,
  repository: string,
  doomed: readonly Removal<TagFacts>[],
  { dryRun, removed }: RetainOptions,
): Promise<Set<string>> {
  const gone = new Set<string>();
  if (doomed.length === 0) return gone;
  await using condemned = dryRun
    ? nothing
    : await condemn(
        storage,
        doomed.map(({ what }) => tagKey(repository, what.tag)),
      );
  for (const { what, why } of doomed) {
    if (!condemned.holds()) break;
    const link = tagLink(repository, what.tag);
    if (!dryRun) {
      const stats = await storage.stat(link);
      const same = stats?.modified.getTime() === what.pushed && (await readLink(storage, link)) === what.digest;
      if (!same) continue; // it was pushed meanwhile
      await storage.remove(tagFolder(repository, what.tag));
    }
    gone.add(what.tag);
    removed?.(`${repository}:${what.tag}`, why);
  }
  return gone;
}

async function removeManifests(
  storage: StorageDriver,
  repository: string,
  doomed: readonly Removal<UntaggedFacts>[],
  { dryRun, removed }: RetainOptions,
): Promise<number> {
  if (doomed.length === 0) return 0;
  const keys = doomed.map(({ what }) => manifestKey(repository, what.digest));
  await using condemned = dryRun ? nothing : await condemn(storage, keys);
  const tagged = new Set(dryRun ? [] : (await tagsOf(storage, repository)).map(({ digest }) => digest));
  let count = 0;
  for (const { what, why } of doomed) {
    if (!condemned.holds()) break;
    if (!dryRun) {
      const stats = await storage.stat(revisionLink(repository, what.digest));
      if (stats?.modified.getTime() !== what.pushed || tagged.has(what.digest)) continue; // it was pushed meanwhile
      await deleteManifest(storage, repository, what.digest);
      await forgetPulls(storage, repository, what.digest);
    }
    count += 1;
    removed?.(`${repository}@${what.digest}`, why);
  }
  return count;
}

const nothing = { holds: () => true, [Symbol.asyncDispose]: async () => undefined };
