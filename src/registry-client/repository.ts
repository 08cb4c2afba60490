import { type Descriptor, mediaTypes } from '../api/oci/image.ts';
import { isKind, TugError } from '../base/errors.ts';
import { isDigest, sha256 } from '../formats/digest.ts';
import { familiarName, formatFamiliar, type Reference } from '../formats/reference.ts';
import { authorizedRequests } from './authorized.ts';
import { bodyChunks, discardBody, readBody } from './body.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { AnswerContext } from './errors.ts';
import { followReferrers, type RemoteReferrer, readReferrers, referrersOf } from './referrers.ts';
import { type RetryPolicy, retrying } from './retry.ts';
import { collectTags, readTags } from './tags.ts';
import type { HttpResponse, Transport } from './transport.ts';

export interface RepositoryOptions {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly name: Pick<Reference, 'domain' | 'path'>;
  readonly credentials: Credentials | undefined;
  readonly retry: RetryPolicy;
}

/** A manifest or index as a registry gave it, its digest verified. */
export interface FetchedManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface BlobAnswer {
  /** Where the bytes begin: what was asked for, or 0 when the registry does not do ranges. */
  readonly offset: number;
  /** The whole blob's size as the registry states it. */
  readonly total: number | undefined;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Lets go of the connection when `bytes` is not read to its end. Idempotent. */
  discard(): void;
}

/** Reading one repository of one registry (distribution-spec, "Pull"). Errors are in Docker's words. */
export interface Repository {
  readonly host: string;
  /** Asks what a tag means now; undefined where a HEAD does not tell (then fetch it). @throws unauthorized, unavailable. */
  resolveManifest(tagOrDigest: string, signal: AbortSignal): Promise<Descriptor | undefined>;
  /** @throws not-found, unauthorized, unavailable; invalid `digest-mismatch` when the bytes are not those of the digest asked for or stated. */
  fetchManifest(tagOrDigest: string, signal: AbortSignal): Promise<FetchedManifest>;
  /**
   * Begins reading a blob at `offset`. One try: a cut shows as `unavailable` while reading, and the caller goes on
   * from where it is. The bytes are not verified here. @throws invalid `bad-range` when there is nothing at `offset`.
   */
  fetchBlob(digest: string, options: { offset: number; signal: AbortSignal }): Promise<BlobAnswer>;
  /** A blob's size; undefined where the registry does not have it or a HEAD does not tell. @throws unauthorized, unavailable. */
  statBlob(digest: string, signal: AbortSignal): Promise<number | undefined>;
  /** All tags, in the registry's order. @throws not-found, unauthorized, unavailable. */
  listTags(signal: AbortSignal): Promise<string[]>;
  /**
   * What refers to a manifest, page by page; by the fallback tag where the registry has no list of referrers
   * (distribution-spec, "Referrers Tag Schema"). @throws unauthorized, unavailable.
   */
  listReferrers(digest: string, signal: AbortSignal): AsyncIterable<RemoteReferrer>;
}

const manifestTypes = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
].join(', ');
const longestManifest = 4 * 1024 * 1024;

export function openRepository(options: RepositoryOptions): Repository {
  const { endpoint, name, retry } = options;
  const ask = authorizedRequests({ ...options, scope: `repository:${name.path}:pull` });
  const manifestPath = (tagOrDigest: string) => `${name.path}/manifests/${tagOrDigest}`;
  const shown = (tagOrDigest: string): AnswerContext => ({
    name: familiarName(name),
    reference: formatFamiliar({ ...name, ...(isDigest(tagOrDigest) ? { digest: tagOrDigest } : { tag: tagOrDigest }) }),
    registry: endpoint.host,
  });
  const blobContext = (digest: string): AnswerContext => ({
    ...{ name: familiarName(name), blob: `${familiarName(name)}@${digest}`, registry: endpoint.host },
  });
  const repository: Repository = {
    host: endpoint.host,
    resolveManifest: (tagOrDigest, signal) =>
      retrying(
        async () => {
          const request = { method: 'HEAD', headers: { accept: manifestTypes }, signal } as const;
          try {
            const answer = await ask(manifestPath(tagOrDigest), request, shown(tagOrDigest));
            discardBody(answer.body);
            return statedDescriptor(answer);
          } catch (error) {
            if (isKind(error, 'not-found')) return undefined; // only the answer to a GET carries the reason
            throw error;
          }
        },
        retry,
        signal,
      ),
    fetchManifest: (tagOrDigest, signal) =>
      retrying(
        async () => {
          const request = { method: 'GET', headers: { accept: manifestTypes }, signal } as const;
          const answer = await ask(manifestPath(tagOrDigest), request, shown(tagOrDigest));
          const bytes = await readBody(answer, longestManifest, signal);
          return verifiedManifest(answer, bytes, isDigest(tagOrDigest) ? tagOrDigest : undefined);
        },
        retry,
        signal,
      ),
    async fetchBlob(digest, { offset, signal }) {
      const headers = { 'accept-encoding': 'identity', ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) };
      const answer = await ask(`${name.path}/blobs/${digest}`, { method: 'GET', headers, signal }, blobContext(digest));
      const discard = (): void => void answer.body.destroy();
      return { ...statedRange(answer, offset), bytes: bodyChunks(answer, signal), discard };
    },
    statBlob: (digest, signal) =>
      retrying(
        async () => {
          try {
            const request = { method: 'HEAD', headers: { 'accept-encoding': 'identity' }, signal } as const;
            const answer = await ask(`${name.path}/blobs/${digest}`, request, blobContext(digest));
            discardBody(answer.body);
            return numberOf(answer.headers['content-length']);
          } catch (error) {
            if (isKind(error, 'not-found')) return undefined;
            throw error;
          }
        },
        retry,
        signal,
      ),
    async listTags(signal) {
      const context = { name: familiarName(name), registry: endpoint.host };
      const page = (path: string) => retrying(() => readTags(ask, path, context, signal), retry, signal);
      return collectTags(`${name.path}/tags/list`, page, endpoint.host);
    },
    async *listReferrers(digest, signal) {
      const context = shown(digest);
      const page = (path: string) => retrying(() => readReferrers(ask, path, context, signal), retry, signal);
      const first = await page(`${name.path}/referrers/${digest}`);
      if (first) yield* followReferrers(first, page, endpoint.host);
      else yield* await taggedReferrers(repository, digest, signal);
    },
  };
  return repository;
}

async function taggedReferrers(
  repository: Repository,
  digest: string,
  signal: AbortSignal,
): Promise<readonly RemoteReferrer[]> {
  try {
    const { bytes } = await repository.fetchManifest(digest.replace(':', '-'), signal);
    return referrersOf(bytes) ?? [];
  } catch (error) {
    if (isKind(error, 'not-found')) return [];
    throw error;
  }
}

function statedDescriptor({ headers }: HttpResponse): Descriptor | undefined {
  const digest = headers['docker-content-digest'];
  const size = Number(headers['content-length'] ?? Number.NaN);
  if (typeof digest !== 'string' || !isDigest(digest) || !Number.isSafeInteger(size)) return undefined;
  return { mediaType: plainType(headers['content-type']), digest, size };
}

function verifiedManifest(answer: HttpResponse, bytes: Buffer, asked: string | undefined): FetchedManifest {
  const digest = sha256(bytes);
  const stated = answer.headers['docker-content-digest'];
  const wanted = asked ?? (typeof stated === 'string' && stated.startsWith('sha256:') ? stated : digest);
  if (digest !== wanted) {
    const text = `manifest verification failed for digest ${wanted}: registry ${answer.url.host} sent bytes of digest ${digest}`;
    throw new TugError('invalid', text, { code: 'digest-mismatch' });
  }
  return { mediaType: plainType(answer.headers['content-type']), digest, bytes };
}

function plainType(header: string | undefined): string {
  return header?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function statedRange(answer: HttpResponse, asked: number): { offset: number; total: number | undefined } {
  if (answer.status === 200) return { offset: 0, total: numberOf(answer.headers['content-length']) };
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '');
  if (range && Number(range[1]) === asked) return { offset: asked, total: numberOf(range[2]) };
  answer.body.destroy();
  throw new TugError('invalid', `registry ${answer.url.host} sent another part of the blob than was asked for`, {
    code: 'bad-range',
  });
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
}
