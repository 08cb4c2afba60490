import * as os from 'node:os';
import { type Clock, systemClock } from '../../base/clock.ts';
import { isKind } from '../../base/errors.ts';
import type { Logger } from '../../base/log.ts';
import { defaultRetryPolicy, type RetryPolicy } from '../../registry-client/retry.ts';
import { createTransport } from '../../registry-client/transport.ts';
import { type ProxySection, upstreamsOf } from '../config/proxy.ts';
import type { OpenRepository, StorageDriver } from '../contract.ts';
import { createKeeper } from '../gc/keeper.ts';
import { openBlobs } from '../storage/blobs.ts';
import { listRepositories } from '../storage/catalog.ts';
import { layersFolder, revisionsFolder } from '../storage/paths.ts';
import { createBlobCache } from './blobs.ts';
import type { ProxyContext, ProxyCounts } from './context.ts';
import { createExpiry, type Expiry } from './expiry.ts';
import { createManifestCache } from './manifests.ts';
import { createProxiedNames, type ProxiedNames } from './names.ts';
import { openProxied } from './repository.ts';
import type { UpstreamSettings } from './settings.ts';
import { createUpstreams } from './upstream.ts';

export interface ProxyOptions {
  readonly upstreams: readonly UpstreamSettings[];
  readonly storage: StorageDriver;
  /** Repositories of this registry's own, in which what is fetched is kept. */
  readonly local: OpenRepository;
  readonly log: Logger;
  /** Frees the room of what was removed. */
  readonly removed?: () => Promise<void>;
  readonly retry?: RetryPolicy;
  readonly clock?: Clock;
  readonly now?: () => number;
}

/** A pull-through cache of other registries. */
export interface RegistryProxy {
  /** Opens repositories: those of upstreams, which fetch what is missing, and this registry's own. */
  readonly open: OpenRepository;
  /** As `ProxiedNames.nameOf`. */
  readonly nameOf: ProxiedNames['nameOf'];
  /** True for repositories that cannot be written to. */
  isProxied(name: string): boolean;
  /** For the metrics. */
  readonly counts: Readonly<Record<'manifest' | 'blob', Readonly<ProxyCounts>>>;
  /** Resolves when what was begun is kept. */
  settled(): Promise<void>;
  /** Ends all fetching, and writes down what was used when. */
  close(): Promise<void>;
}

const certificateFolders = ['/etc/docker/certs.d', '/etc/tug/certs.d'];

/** The cache that a configuration describes; undefined where it describes none. */
export function openProxy(section: ProxySection, options: Omit<ProxyOptions, 'upstreams'>): RegistryProxy | undefined {
  const upstreams = upstreamsOf(section);
  return upstreams.length === 0 ? undefined : createProxy({ ...options, upstreams });
}

/** Begins caring for what is kept, in the background. Nothing is connected yet. */
export function createProxy(options: ProxyOptions): RegistryProxy {
  const { storage, local, log, retry = defaultRetryPolicy } = options;
  const names = createProxiedNames(options.upstreams);
  const ending = new AbortController();
  const { signal } = ending;
  const transport = createTransport({ certificateFolders, proxyEnv: process.env });
  const upstreams = createUpstreams(transport, retry);
  const expiry = expiryOf(options, names);
  const counts = { manifest: zero(), blob: zero() };
  const context: ProxyContext = {
    ...{ storage, upstreams, expiry, retry, log, counts, signal },
    blobs: openBlobs(storage, undefined, createKeeper(storage)),
    folder: storage.localPath?.('/') ?? os.tmpdir(),
  };
  const manifests = createManifestCache(context);
  const blobs = createBlobCache(context);
  const adopting = adopt(storage, expiry, names, signal).catch((error: unknown) => {
    if (!signal.aborted) log.error('what is kept for upstreams could not be looked through', { error });
  });
  return {
    async open(name) {
      const proxied = names.find(name);
      const repository = await local(name);
      return proxied ? openProxied({ manifests, blobs, upstreams, signal }, repository, proxied) : repository;
    },
    nameOf: names.nameOf,
    isProxied: (name) => names.find(name) !== undefined,
    counts,
    settled: blobs.settled,
    async close() {
      ending.abort();
      await Promise.all([blobs.settled(), adopting]);
      await expiry.close();
      transport[Symbol.dispose]();
    },
  };
}

const zero = (): ProxyCounts => ({ hits: 0, misses: 0, fetched: 0, stale: 0 });

function expiryOf({ storage, local, log, removed, clock, now }: ProxyOptions, names: ProxiedNames): Expiry {
  return createExpiry({
    ...{ storage, log, clock: clock ?? systemClock, now: now ?? Date.now },
    ttlOf: (name) => names.find(name)?.upstream.ttl,
    async remove(kind, name, digest) {
      const repository = await local(name);
      await (kind === 'blob' ? repository.deleteBlob(digest) : repository.deleteManifest(digest));
    },
    removed: removed ?? (async () => {}),
  });
}

/** Counts what lies in the repositories of upstreams as used now, where a killed server had no time to write when. */
async function adopt(storage: StorageDriver, expiry: Expiry, names: ProxiedNames, signal: AbortSignal): Promise<void> {
  await expiry.start();
  for await (const name of listRepositories(storage)) {
    if (names.find(name)?.upstream.ttl === undefined) continue;
    for await (const digest of digestsIn(storage, layersFolder(name))) expiry.found('blob', name, digest);
    for await (const digest of digestsIn(storage, revisionsFolder(name))) expiry.found('manifest', name, digest);
    if (signal.aborted) return;
  }
}

async function* digestsIn(storage: StorageDriver, folder: string): AsyncIterable<string> {
  try {
    for await (const algorithm of storage.list(folder)) {
      for await (const hex of storage.list(`${folder}/${algorithm}`)) yield `${algorithm}:${hex}`;
    }
  } catch (error) {
    if (!isKind(error, 'not-found')) throw error;
  }
}
