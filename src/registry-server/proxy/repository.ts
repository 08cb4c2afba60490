import { isKind, unsupported } from '../../base/errors.ts';
import type { RemoteReferrer } from '../../registry-client/referrers.ts';
import type { Referrer, Repository } from '../contract.ts';
import { checkDigest } from '../storage/paths.ts';
import type { BlobCache } from './blobs.ts';
import type { ManifestCache } from './manifests.ts';
import type { Proxied } from './names.ts';
import { asAnswer, isAway, type Upstreams } from './upstream.ts';

export interface ProxiedDeps {
  readonly manifests: ManifestCache;
  readonly blobs: BlobCache;
  readonly upstreams: Upstreams;
  readonly signal: AbortSignal;
}

/** A repository of an upstream as one of this registry: everything can be read, and nothing written. */
export function openProxied(deps: ProxiedDeps, local: Repository, proxied: Proxied): Repository {
  const { manifests, blobs } = deps;
  const refuse = (): never => {
    const text = `${local.name} is kept for ${proxied.upstream.url.host}, and can only be pulled: push it there`;
    throw unsupported(text, { code: 'proxied' });
  };
  return {
    name: local.name,
    manifest: (reference) => manifests.get(local, proxied, reference),
    blob: (digest) => blobs.get(local, proxied, digest),
    tags: (after) => listTags(deps, local, proxied, after),
    referrers: (digest) => listReferrers(deps, local, proxied, digest),
    putManifest: async () => refuse(),
    deleteManifest: async () => refuse(),
    deleteTag: async () => refuse(),
    deleteBlob: async () => refuse(),
    mount: async () => refuse(),
    startUpload: async () => refuse(),
    upload: async () => refuse(),
  };
}

/** The upstream's tags, sorted; while it is away, those that are kept. */
async function* listTags(
  { upstreams, signal }: ProxiedDeps,
  local: Repository,
  proxied: Proxied,
  after: string | undefined,
): AsyncIterable<string> {
  let tags: string[];
  try {
    tags = await upstreams.open(proxied).listTags(signal);
  } catch (error) {
    if (!isAway(error)) throw asAnswer(error, proxied.upstream.url.host);
    yield* keptTags(local, after, error);
    return;
  }
  for (const tag of tags.sort()) if (after === undefined || tag > after) yield tag;
}

async function* keptTags(local: Repository, after: string | undefined, why: unknown): AsyncIterable<string> {
  try {
    yield* local.tags(after);
  } catch (error) {
    throw isKind(error, 'not-found') ? why : error;
  }
}

/** What the upstream lists; while it is away, what refers to the manifest among what is kept. */
async function* listReferrers(
  { upstreams, signal }: ProxiedDeps,
  local: Repository,
  proxied: Proxied,
  digest: string,
): AsyncIterable<Referrer> {
  const remote = upstreams.open(proxied).listReferrers(checkDigest(digest), signal);
  let some = false;
  try {
    for await (const entry of remote) {
      some = true;
      yield referrerOf(entry);
    }
  } catch (error) {
    // The end of a list that has begun cannot be had from another one.
    if (some || !isAway(error)) throw asAnswer(error, proxied.upstream.url.host);
    yield* local.referrers(digest);
  }
}

function referrerOf({ mediaType, digest, size, artifactType, annotations }: RemoteReferrer): Referrer {
  return {
    mediaType,
    digest,
    size,
    ...(artifactType ? { artifactType } : {}),
    ...(annotations ? { annotations } : {}),
  };
}
