import { isKind, messageOf } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import type { FetchedManifest, Repository as RemoteRepository } from '../../registry-client/repository.ts';
import type { Repository, StorageDriver, StoredManifest } from '../contract.ts';
import { writeLink } from '../storage/links.ts';
import { readManifest } from '../storage/manifest-shape.ts';
import { blobData, revisionLink, tagIndexLink, tagLink } from '../storage/paths.ts';
import { addReferrer } from '../storage/referrers.ts';
import type { ProxyContext } from './context.ts';
import type { Proxied } from './names.ts';
import { createSingleFlight } from './single-flight.ts';
import { asAnswer, isAway } from './upstream.ts';

/** Manifests of upstreams. */
export interface ManifestCache {
  /**
   * By digest, what is kept or else fetched. By tag, what the upstream says that it is now, asked each time by a HEAD;
   * what it was when the upstream was last asked, while that is away.
   * @throws not-found as the upstream says it; unavailable.
   */
  get(local: Repository, proxied: Proxied, reference: string): Promise<StoredManifest>;
}

/** Milliseconds that an upstream gets to say what a tag is, where something is kept that can be given instead. */
const patience = 5000;
/** Milliseconds that one that was away is not asked again, where something is kept. */
const rest = 10_000;

export function createManifestCache(context: ProxyContext): ManifestCache {
  const flights = createSingleFlight<StoredManifest>();
  /** Until when upstreams count as away, by origin. */
  const away = new Map<string, number>();
  return {
    get: (local, proxied, reference) =>
      flights.run(`${local.name} ${reference}`, async () => {
        const look = { ...context, local, proxied, remote: context.upstreams.open(proxied), away };
        try {
          const found = isDigest(reference) ? await byDigest(look, reference) : await byTag(look, reference);
          context.expiry.used('manifest', local.name, found.digest);
          return found;
        } catch (error) {
          throw asAnswer(error, proxied.upstream.url.host);
        }
      }),
  };
}

interface Look extends ProxyContext {
  readonly local: Repository;
  readonly proxied: Proxied;
  readonly remote: RemoteRepository;
  readonly away: Map<string, number>;
}

async function byDigest(look: Look, digest: string): Promise<StoredManifest> {
  const kept = await keptManifest(look, digest);
  if (kept === undefined) return fetchAndKeep(look, digest);
  look.counts.manifest.hits += 1;
  return kept;
}

async function byTag(look: Look, tag: string): Promise<StoredManifest> {
  const { local, remote, away, counts, log, proxied } = look;
  const kept = await keptManifest(look, tag);
  const { origin } = proxied.upstream.url;
  try {
    if (kept && (away.get(origin) ?? 0) > performance.now()) return stale(look, kept);
    const now = await remote.resolveManifest(tag, kept ? bounded(look.signal) : look.signal);
    away.delete(origin);
    const same =
      now === undefined ? undefined : now.digest === kept?.digest ? kept : await keptManifest(look, now.digest);
    if (same === undefined) return await fetchAndKeep(look, tag);
    if (same !== kept) await linkTag(look.storage, local.name, tag, same.digest);
    counts.manifest.hits += 1;
    return same;
  } catch (error) {
    if (kept && isAway(error) && !look.signal.aborted) {
      away.set(origin, performance.now() + rest);
      log.warn('an upstream is away: what is kept is served', { upstream: origin, reason: messageOf(error) });
      return stale(look, kept);
    }
    if (kept && isKind(error, 'not-found')) await local.deleteTag(tag).catch(() => {}); // may be gone already
    throw error;
  }
}

function stale({ counts }: Look, kept: StoredManifest): StoredManifest {
  counts.manifest.stale += 1;
  return kept;
}

const bounded = (signal: AbortSignal): AbortSignal => AbortSignal.any([signal, AbortSignal.timeout(patience)]);

/** Undefined also for one that cannot be read: it is fetched again. */
async function keptManifest({ local, log }: Look, reference: string): Promise<StoredManifest | undefined> {
  try {
    return await local.manifest(reference);
  } catch (error) {
    if (!isKind(error, 'not-found')) log.warn('a kept manifest is unreadable', { name: local.name, reference, error });
    return undefined;
  }
}

async function fetchAndKeep(look: Look, reference: string): Promise<StoredManifest> {
  const { counts, log, local, remote, signal, storage } = look;
  const fetched = await remote.fetchManifest(reference, signal);
  counts.manifest.misses += 1;
  counts.manifest.fetched += fetched.bytes.length;
  const { mediaType } = readManifest(fetched.bytes);
  try {
    await keep(storage, local.name, reference, fetched);
  } catch (error) {
    log.error('a fetched manifest could not be kept', { name: local.name, reference, error });
  }
  return { digest: fetched.digest, mediaType, content: fetched.bytes };
}

/**
 * Stores a manifest of which nothing else need be there yet. Killed in between, what is there is whole: the bytes, then
 * that it is one of the repository, at last the tag. Idempotent.
 */
async function keep(storage: StorageDriver, name: string, reference: string, manifest: FetchedManifest): Promise<void> {
  const { digest, bytes } = manifest;
  const shape = readManifest(bytes);
  await storage.put(blobData(digest), bytes);
  await writeLink(storage, revisionLink(name, digest), digest);
  if (shape.subject) await addReferrer(storage, name, shape.subject, { ...shape.referrer, digest, size: bytes.length });
  if (!isDigest(reference)) await linkTag(storage, name, reference, digest);
}

async function linkTag(storage: StorageDriver, name: string, tag: string, digest: string): Promise<void> {
  await writeLink(storage, tagIndexLink(name, tag, digest), digest);
  await writeLink(storage, tagLink(name, tag), digest);
}
