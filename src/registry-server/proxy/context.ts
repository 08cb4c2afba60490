import type { Logger } from '../../base/log.ts';
import type { RetryPolicy } from '../../registry-client/retry.ts';
import type { StorageDriver } from '../contract.ts';
import type { Blobs } from '../storage/blobs.ts';
import type { Expiry } from './expiry.ts';
import type { Upstreams } from './upstream.ts';

/** How often what was asked for was there, for the metrics. */
export interface ProxyCounts {
  hits: number;
  misses: number;
  /** Bytes fetched from upstreams. */
  fetched: number;
  /** Answers given without the upstream, which was away. */
  stale: number;
}

/** What the caches of manifests and blobs work with. */
export interface ProxyContext {
  readonly storage: StorageDriver;
  readonly blobs: Blobs;
  readonly upstreams: Upstreams;
  readonly expiry: Expiry;
  readonly retry: RetryPolicy;
  /** Where bytes lie while they are fetched. */
  readonly folder: string;
  readonly log: Logger;
  /** Ends all fetching. */
  readonly signal: AbortSignal;
  readonly counts: { readonly manifest: ProxyCounts; readonly blob: ProxyCounts };
}
