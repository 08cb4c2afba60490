import type { Readable } from 'node:stream';
import { isKind, TugError } from '../base/errors.ts';
import { familiarName, formatFamiliar, type Reference } from '../formats/reference.ts';
import { type Ask, authorizedRequests } from './authorized.ts';
import { discardBody } from './body.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoint.ts';
import type { AnswerContext } from './errors.ts';
import { type RetryPolicy, retrying } from './retry.ts';
import type { Transport } from './transport.ts';
import { uploadBlob } from './upload.ts';

/** A blob to be sent. */
export interface BlobSource {
  readonly digest: string;
  readonly size: number;
  /** Its bytes from `offset` on. */
  open(offset: number): Readable;
}

/** Writing to one repository of one registry (distribution-spec, "Push"). Everything is idempotent. */
export interface PushTarget {
  readonly host: string;
  /** @throws unauthorized, forbidden, unavailable. */
  hasBlob(digest: string, signal: AbortSignal): Promise<boolean>;
  /** Asks the registry to take a blob over from another of its repositories; false when it does not. */
  mountBlob(digest: string, from: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Sends a blob. A cut upload goes on where the registry says, or begins anew, within the retry policy's bounds.
   * `events.sent` hears how many bytes are sent, `events.retry` for how many milliseconds it waits before another try.
   * @throws unauthorized, forbidden, unavailable; invalid `digest-mismatch` when the registry got other bytes.
   */
  uploadBlob(blob: BlobSource, events: UploadEvents, signal: AbortSignal): Promise<void>;
  /** Stores a manifest, whose blobs are there, under a tag or its digest. @throws as `uploadBlob`. */
  putManifest(tagOrDigest: string, manifest: SentManifest, signal: AbortSignal): Promise<void>;
}

export interface UploadEvents {
  sent(bytes: number): void;
  retry(milliseconds: number): void;
}

export interface SentManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface PushTargetOptions {
  readonly endpoint: Endpoint;
  readonly transport: Transport;
  readonly name: Pick<Reference, 'domain' | 'path'>;
  readonly credentials: Credentials | undefined;
  readonly retry: RetryPolicy;
}

export function openPushTarget(options: PushTargetOptions): PushTarget {
  const { endpoint, name, retry } = options;
  const scope = `repository:${name.path}:pull,push`;
  const ask = authorizedRequests({ ...options, scope });
  const context: AnswerContext = { name: familiarName(name), registry: endpoint.host, action: 'push' };
  const about = (digest: string): AnswerContext => ({ ...context, blob: `${context.name}@${digest}` });
  const hasBlob = (digest: string, signal: AbortSignal): Promise<boolean> =>
    retrying(() => exists(ask, `${name.path}/blobs/${digest}`, about(digest), signal), retry, signal);
  return {
    host: endpoint.host,
    hasBlob,
    async mountBlob(digest, from, signal) {
      // A token of its own: a server that gives none for the other repository must not spoil the push.
      const asking = authorizedRequests({ ...options, scope: `${scope} repository:${from}:pull` });
      try {
        return await retrying(() => mount(asking, name.path, digest, from, about(digest), signal), retry, signal);
      } catch (error) {
        if (isKind(error, 'unauthorized')) return false; // of the login for this repository the upload will tell
        throw error;
      }
    },
    uploadBlob: (blob, events, signal) =>
      uploadBlob({ ask, path: name.path, context: about(blob.digest), retry, hasBlob }, blob, events, signal),
    putManifest: (tagOrDigest, manifest, signal) =>
      retrying(() => putManifest(ask, context, name, tagOrDigest, manifest, signal), retry, signal),
  };
}

async function exists(ask: Ask, path: string, context: AnswerContext, signal: AbortSignal): Promise<boolean> {
  const answer = await ask(path, { method: 'HEAD', headers: {}, signal, accepted: [200, 404] }, context);
  discardBody(answer.body);
  return answer.status === 200;
}

async function mount(
  ask: Ask,
  path: string,
  digest: string,
  from: string,
  context: AnswerContext,
  signal: AbortSignal,
): Promise<boolean> {
  const query = new URLSearchParams({ mount: digest, from });
  // 202 begins an upload instead, which is left to the registry to forget; refusals are no reason to fail.
  const accepted = [200, 201, 202, 400, 401, 403, 404, 405];
  const request = { method: 'POST', headers: { 'content-length': '0' }, signal, accepted } as const;
  const answer = await ask(`${path}/blobs/uploads/?${query}`, request, context);
  discardBody(answer.body);
  return answer.status === 201;
}

/** Milliseconds that a registry may take to check what a manifest names. */
const patience = 300_000;

async function putManifest(
  ask: Ask,
  context: AnswerContext,
  name: Pick<Reference, 'domain' | 'path'>,
  tagOrDigest: string,
  { mediaType, digest, bytes }: SentManifest,
  signal: AbortSignal,
): Promise<void> {
  const reference = tagOrDigest.includes(':') ? { digest: tagOrDigest } : { tag: tagOrDigest };
  const answer = await ask(
    `${name.path}/manifests/${tagOrDigest}`,
    { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes, signal, patience, accepted: [200, 201, 202] },
    { ...context, reference: formatFamiliar({ ...name, ...reference }) },
  );
  discardBody(answer.body);
  const stated = answer.headers['docker-content-digest'];
  if (typeof stated !== 'string' || !stated.startsWith('sha256:') || stated === digest) return;
  const text = `registry ${context.registry} stored the manifest ${digest} as ${stated}`;
  throw new TugError('unavailable', text, { code: 'digest-mismatch' });
}
