import { messageOf } from '../../base/errors.ts';
import type { Repository as RemoteRepository } from '../../registry-client/repository.ts';
import { retrying } from '../../registry-client/retry.ts';
import type { Repository, StoredBlob } from '../contract.ts';
import { storedBlob } from '../storage/blobs.ts';
import type { ProxyContext } from './context.ts';
import { type Flight, startFlight } from './flight.ts';
import type { Proxied } from './names.ts';
import { createSingleFlight } from './single-flight.ts';
import { asAnswer } from './upstream.ts';

/** Blobs of upstreams. */
export interface BlobCache {
  /**
   * What is kept, or else what is being fetched, once for all who ask for it meanwhile; it goes on when they leave.
   * @throws not-found as the upstream says it; unavailable.
   */
  get(local: Repository, proxied: Proxied, digest: string): Promise<StoredBlob>;
  /** Resolves when nothing is being fetched. */
  settled(): Promise<void>;
}

export function createBlobCache(context: ProxyContext): BlobCache {
  const begun = createSingleFlight<StoredBlob>();
  /** Those that have begun and are not kept yet. */
  const flying = new Map<string, Flight>();
  return {
    async get(local, proxied, digest) {
      const kept = await local.blob(digest).catch(() => undefined); // an unreadable one is fetched again
      if (kept) {
        context.counts.blob.hits += 1;
        context.expiry.used('blob', local.name, digest);
        return kept;
      }
      const key = `${local.name} ${digest}`;
      const known = flying.get(key);
      if (known) return known.blob;
      return begun.run(key, async () => {
        const remote = context.upstreams.open(proxied);
        try {
          const there = await linkThere(context, local, remote, digest);
          if (there) return there;
          const flight = await beginFlight(context, local, remote, digest);
          flying.set(key, flight);
          void endFlight(context, local, digest, flight).finally(() => flying.delete(key));
          return flight.blob;
        } catch (error) {
          throw asAnswer(error, proxied.upstream.url.host);
        }
      });
    },
    async settled() {
      await Promise.all([...flying.values()].map(({ landed }) => landed.catch(() => {})));
    },
  };
}

/** Bytes that another repository has are not fetched again, once the upstream says that they are this one's too. */
async function linkThere(
  { storage, blobs, counts, expiry, signal }: ProxyContext,
  local: Repository,
  remote: RemoteRepository,
  digest: string,
): Promise<StoredBlob | undefined> {
  const stored = await storedBlob(storage, digest);
  if (stored === undefined || (await remote.statBlob(digest, signal)) !== stored.size) return undefined;
  const linked = await blobs.link(local.name, digest);
  if (linked === undefined) return undefined; // collected meanwhile
  counts.blob.hits += 1;
  expiry.used('blob', local.name, digest);
  return linked;
}

function beginFlight(
  { retry, signal, folder, counts }: ProxyContext,
  local: Repository,
  remote: RemoteRepository,
  digest: string,
): Promise<Flight> {
  counts.blob.misses += 1;
  const fetchFrom = (offset: number) => remote.fetchBlob(digest, { offset, signal });
  return startFlight({
    ...{ digest, folder, retry, signal },
    fetchFirst: () => retrying(() => fetchFrom(0), retry, signal),
    fetchFrom,
    kept: () => local.blob(digest),
    async keep(bytes) {
      const upload = await local.startUpload();
      try {
        await upload.append(0, bytes);
        await upload.commit(digest);
      } catch (error) {
        await upload.cancel().catch(() => {}); // the first error tells; what is left is purged as any upload
        throw error;
      }
    },
  });
}

async function endFlight(
  { counts, expiry, log, signal }: ProxyContext,
  local: Repository,
  digest: string,
  flight: Flight,
) {
  try {
    await flight.landed;
    counts.blob.fetched += flight.blob.size;
    expiry.used('blob', local.name, digest);
  } catch (error) {
    if (signal.aborted) return;
    const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : '';
    log.warn('a blob was not kept', { name: local.name, digest, reason: `${messageOf(error)}${cause}` });
  }
}
