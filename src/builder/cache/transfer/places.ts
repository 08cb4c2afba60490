import { Readable } from 'node:stream';
import { type Descriptor, mediaTypes } from '../../../api/oci/image.ts';
import { invalid, notFound } from '../../../base/errors.ts';
import { hostPlatform } from '../../../formats/platform.ts';
import { parseReference, withDefaultTag } from '../../../formats/reference.ts';
import type { RegistryAuth } from '../../../images/contract.ts';
import { parseIndex, parseManifest } from '../../../images/image-config.ts';
import type { RegistryClient } from '../../../registry-client/client.ts';
import type { BuildSession } from '../../session/sessions.ts';
import { type FormattedCache, readCache, type SentCache } from './format.ts';

/** A cache that steps can be taken from. */
export interface OpenedCache {
  readonly cache: SentCache;
  /** By the digests of the plain tars. */
  readonly blobs: ReadonlyMap<string, Descriptor>;
  /** The bytes of a blob, not verified yet. */
  read(blob: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** A blob to be sent. */
export interface SentBlob {
  readonly descriptor: Descriptor;
  open(offset: number): Readable;
}

const none = (): Error => notFound('there is no build cache of tug in it', { code: 'no-cache' });
const largestConfig = 64 * 1024 * 1024;

/** Opens a cache, or an image with one in it, at a registry. @throws not-found, invalid, what the registry says. */
export async function openRegistryCache(
  registries: RegistryClient,
  ref: string,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
): Promise<OpenedCache> {
  const reference = withDefaultTag(parseReference(ref));
  const { own } = registries.repository(reference, auth);
  const read = async function* (blob: Descriptor, stop: AbortSignal): AsyncGenerator<Uint8Array> {
    const answer = await own.fetchBlob(blob.digest, { offset: 0, signal: stop });
    try {
      yield* answer.bytes;
    } finally {
      answer.discard();
    }
  };
  let fetched = await own.fetchManifest(reference.digest ?? reference.tag ?? '', signal);
  if (fetched.mediaType === mediaTypes.ociIndex || fetched.mediaType === mediaTypes.dockerList) {
    const { os, architecture } = hostPlatform();
    const { manifests } = parseIndex(fetched.bytes);
    const mine = manifests.find(({ platform }) => platform?.os === os && platform.architecture === architecture);
    const chosen = mine ?? manifests[0];
    if (!chosen) throw none();
    fetched = await own.fetchManifest(chosen.digest, signal);
  }
  const { config, layers } = parseManifest(fetched.bytes);
  if (config.size > largestConfig) throw invalid('its configuration is too large', { code: 'bad-cache' });
  return opened(await whole(read(config, signal)), layers, read);
}

/** Opens a cache in a folder of the client's, an OCI layout. @throws as `openRegistryCache`. */
export async function openClientCache(session: BuildSession, id: string, signal: AbortSignal): Promise<OpenedCache> {
  const read = async function* (path: string): AsyncGenerator<Uint8Array> {
    await using channel = session.open({ kind: 'cache-read', id, path }, signal);
    for (let chunk = await channel.read(); chunk; chunk = await channel.read()) yield chunk;
  };
  const readBlob = ({ digest }: Descriptor): AsyncGenerator<Uint8Array> => read(pathOf(digest));
  const [top] = parseIndex(await whole(read('index.json'))).manifests;
  if (!top) throw none();
  const { config, layers } = parseManifest(await whole(readBlob(top)));
  return opened(await whole(readBlob(config)), layers, readBlob);
}

function opened(config: Buffer, layers: readonly Descriptor[], read: OpenedCache['read']): OpenedCache {
  const { cache, blobs } = readCache(config, layers);
  if (!cache) throw none();
  return { cache, blobs, read };
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    size += chunk.length;
    if (size > largestConfig) throw invalid('its description is too large', { code: 'bad-cache' });
  }
  return Buffer.concat(parts);
}

const pathOf = (digest: string): string => `blobs/${digest.replace(':', '/')}`;

/** Sends a cache to a registry. Idempotent; interrupted, it leaves blobs there that no tag names. */
export async function sendToRegistry(
  registries: RegistryClient,
  { ref, auth }: { ref: string; auth: RegistryAuth | undefined },
  { formatted, blobs }: { formatted: FormattedCache; blobs: readonly SentBlob[] },
  signal: AbortSignal,
): Promise<void> {
  const reference = withDefaultTag(parseReference(ref));
  const target = registries.pushTarget(reference, auth);
  const { config, manifest } = formatted;
  const ofConfig = { descriptor: config.descriptor, open: (at: number) => Readable.from([config.bytes.subarray(at)]) };
  for (const { descriptor, open } of [...blobs, ofConfig]) {
    const { digest, size } = descriptor;
    if (await target.hasBlob(digest, signal)) continue;
    await target.uploadBlob({ digest, size, open }, { sent() {}, retry() {} }, signal);
  }
  const { mediaType, digest } = manifest.descriptor;
  await target.putManifest(reference.tag ?? digest, { mediaType, digest, bytes: manifest.bytes }, signal);
}

/** Sends a cache to a folder of the client's, its index last. Interrupted, the folder has what it had. */
export async function sendToClient(
  session: BuildSession,
  id: string,
  { formatted, blobs }: { formatted: FormattedCache; blobs: readonly SentBlob[] },
  signal: AbortSignal,
): Promise<void> {
  const { config, manifest } = formatted;
  const write = async (path: string, content: AsyncIterable<Uint8Array> | readonly Uint8Array[]): Promise<void> => {
    await using channel = session.open({ kind: 'cache-write', id, path }, signal);
    if ((await channel.read())?.[0] !== 1) return; // it has that one
    for await (const chunk of content) await channel.write(chunk);
    await channel.end();
    await channel.read(); // until it is written, or not
  };
  for (const { descriptor, open } of blobs) await write(pathOf(descriptor.digest), open(0));
  for (const { descriptor, bytes } of [config, manifest]) await write(pathOf(descriptor.digest), [bytes]);
  await write('oci-layout', [Buffer.from('{"imageLayoutVersion":"1.0.0"}')]);
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [manifest.descriptor] };
  await write('index.json', [Buffer.from(JSON.stringify(index))]);
}
