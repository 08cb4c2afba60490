import { randomBytes } from 'node:crypto';
import type { Descriptor, ImageConfigBlob, Platform } from '../api/oci/image.ts';
import { crashPoint } from '../base/crash-points.ts';
import { messageOf, unsupported } from '../base/errors.ts';
import type { Leases } from '../base/leases.ts';
import type { Logger } from '../base/log.ts';
import { chainIds, sha256 } from '../formats/digest.ts';
import { formatPlatform, hostPlatform, parsePlatform } from '../formats/platform.ts';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withDigest,
} from '../formats/reference.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { Repository } from '../registry-client/repository.ts';
import type { ContentStore, ImageStore, LayerUnpacker } from './content/contract.ts';
import type { Progress, PullRequest } from './contract.ts';
import { createDownloads, type Downloads } from './pull-download.ts';
import { bringLayers, type Layer } from './pull-layers.ts';
import { type Document, readConfig, readDocument } from './pull-manifest.ts';
import { selectManifest } from './pull-platform.ts';
import { createSharing } from './pull-sharing.ts';

export interface PullDeps {
  readonly registries: RegistryClient;
  readonly content: ContentStore;
  readonly unpacker: LayerUnpacker;
  /** True for a layer (by chain-id) that is unpacked, committed and recorded. */
  readonly hasLayer: (chainId: string) => boolean;
  readonly store: ImageStore;
  /** The id of a recorded image by normalised name (`docker.io/library/x:tag`, `...@sha256:...`) or id. */
  readonly imageId: (reference: string) => string | undefined;
  readonly leases: Leases;
  readonly log: Logger;
  /** Docker's `max-concurrent-downloads`, 3 by default. */
  readonly maxConcurrentDownloads?: number;
  /** The platform to choose when the request names none: the host's by default. */
  readonly platform?: Platform;
}

export type Pull = (request: PullRequest, progress: Progress, signal: AbortSignal) => Promise<string>;

/**
 * Makes the engine's pull: brings an image from its registry into the state and returns its id. Pulls of the same
 * image at the same time are one. Idempotent. Interrupted or failed, it leaves the state as it was, plus whole
 * layers and partial blobs that the next pull uses and the collector may remove.
 * @throws (the returned function) invalid for a malformed reference or platform; what registry, disk and layers say.
 */
export function createPull(deps: PullDeps): Pull {
  const sharing = createSharing<string>();
  const { content, registries } = deps;
  const downloads = createDownloads({ content, retry: registries.retry, concurrent: deps.maxConcurrentDownloads ?? 3 });
  return async (request, progress, signal) => {
    const reference = withDefaultTag(parseReference(request.reference));
    const host = deps.platform ?? hostPlatform();
    const asked = request.platform ? parsePlatform(request.platform, host) : undefined;
    const key = JSON.stringify([formatReference(reference), asked, sha256(JSON.stringify(request.auth ?? null))]);
    return sharing.join(key, progress, signal, (shared, sharedSignal) => {
      const holder = `pull:${randomBytes(8).toString('hex')}`;
      const target = { ...deps, downloads, holder, reference, asked, platform: asked ?? host };
      return pullLeased({ ...target, auth: request.auth, progress: shared, signal: sharedSignal });
    });
  };
}

interface Operation extends PullDeps {
  readonly downloads: Downloads;
  readonly holder: string;
  readonly reference: Reference;
  readonly asked: Platform | undefined;
  readonly platform: Platform;
  readonly auth: PullRequest['auth'];
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

async function pullLeased(operation: Operation): Promise<string> {
  try {
    return await pullOne(operation);
  } finally {
    operation.leases.release(operation.holder);
  }
}

async function pullOne(operation: Operation): Promise<string> {
  const { reference, progress, store } = operation;
  const named = reference.digest === undefined ? reference : withDigest(reference, reference.digest);
  const before = operation.imageId(formatReference(named));
  const { top, from } = await findTop(operation, before !== undefined);
  // Not earlier: as long as nothing was said, the API can still answer with a status of its own.
  progress({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? '' });
  const image = await chooseImage(operation, top, from);
  const config = await bringConfig(operation, image, from);
  await bringAll(operation, image, config, from);

  const id = image.manifest.config.digest;
  await store.record({
    id,
    manifest: image.descriptor,
    ...(top.kind === 'index' ? { index: top.descriptor } : {}),
    tags: reference.digest === undefined ? [formatReference(named)] : [],
    digests: [formatReference(withDigest(reference, top.descriptor.digest))],
  });
  crashPoint('image.pull.recorded');
  progress({ status: `Digest: ${top.descriptor.digest}` });
  const what = before === id ? 'Image is up to date' : 'Downloaded newer image';
  progress({ status: `Status: ${what} for ${formatFamiliar(reference)}` });
  return id;
}

type ImageDocument = Extract<Document, { kind: 'image' }>;

/** Asks the mirrors, then the registry, what the reference stands for; the first that knows serves the whole pull. */
async function findTop(operation: Operation, known: boolean): Promise<{ top: Document; from: Repository }> {
  const { registries, reference, auth, log } = operation;
  const { own, mirrors } = registries.repository(reference, auth);
  for (const from of mirrors) {
    try {
      return { top: await readTop(operation, from, known), from };
    } catch (error) {
      if (operation.signal.aborted) throw error;
      log.warn('a registry mirror does not serve an image', { mirror: from.host, error: messageOf(error) });
    }
  }
  return { top: await readTop(operation, own, known), from: own };
}

async function readTop(operation: Operation, from: Repository, known: boolean): Promise<Document> {
  const { reference, signal } = operation;
  if (reference.digest !== undefined) {
    return readManifest(operation, from, reference.digest, known);
  }
  const tag = reference.tag ?? '';
  // A HEAD is cheaper where the answer is likely that nothing changed, and registries do not count it.
  const stated = known ? await from.resolveManifest(tag, signal) : undefined;
  return readManifest(operation, from, stated?.digest ?? tag, stated !== undefined);
}

/** A manifest by tag or digest: from the content store where `local` allows it, else from the registry. Leased and stored. */
async function readManifest(
  operation: Operation,
  from: Repository,
  tagOrDigest: string,
  local: boolean,
): Promise<Document> {
  const { content, reference, signal } = operation;
  const name = formatFamiliar(reference);
  if (local) {
    lease(operation, 'blob', tagOrDigest);
    if (content.has(tagOrDigest)) {
      return readDocument(await content.read(tagOrDigest), { mediaType: '', digest: tagOrDigest }, name);
    }
  }
  const fetched = await from.fetchManifest(tagOrDigest, signal);
  const document = readDocument(fetched.bytes, fetched, name);
  lease(operation, 'blob', fetched.digest);
  await content.put(fetched.bytes);
  return document;
}

/** The image for the platform: the document itself, or the one that an index names for it. */
async function chooseImage(operation: Operation, top: Document, from: Repository): Promise<ImageDocument> {
  if (top.kind === 'image') return top;
  const chosen = selectManifest(top.index.manifests, operation.platform);
  const found = await readManifest(operation, from, chosen.digest, true);
  if (found.kind === 'image') return found;
  throw unsupported(
    `${formatFamiliar(operation.reference)} is an index within an index: such images are not supported`,
  );
}

/** The image's configuration, fetched unless it is there, and compared with what was asked for. */
async function bringConfig(
  operation: Operation,
  { manifest }: ImageDocument,
  from: Repository,
): Promise<ImageConfigBlob> {
  const { content, downloads, reference, signal } = operation;
  const name = formatFamiliar(reference);
  lease(operation, 'blob', manifest.config.digest);
  await downloads.fetch(manifest.config, from, () => {}, signal);
  const config = readConfig(await content.read(manifest.config.digest), manifest.layers.length, name);
  const { asked, progress } = operation;
  if (asked && config.architecture !== asked.architecture) {
    const actual = formatPlatform(config);
    const text = `image with reference ${name} was found but its platform (${actual}) does not match the specified platform (${formatPlatform(asked)})`;
    progress({ status: `WARNING: ${text}` });
  }
  return config;
}

async function bringAll(
  operation: Operation,
  image: ImageDocument,
  config: ImageConfigBlob,
  from: Repository,
): Promise<void> {
  const { manifest } = image;
  const chain = chainIds(config.rootfs.diff_ids);
  for (const { digest } of manifest.layers) lease(operation, 'blob', digest);
  for (const id of chain) lease(operation, 'snapshot', id);
  crashPoint('image.pull.leased');
  const whole = chain.every((id) => operation.hasLayer(id));
  if (whole && operation.imageId(manifest.config.digest) !== undefined) return;
  const layers = manifest.layers.map((blob: Descriptor, at): Layer => {
    return { blob, diffId: config.rootfs.diff_ids[at] ?? '', chain: chain.slice(0, at + 1) };
  });
  await bringLayers(operation, layers, from, operation.progress, operation.signal);
}

function lease({ leases, holder }: Operation, resource: 'blob' | 'snapshot', key: string): void {
  leases.acquire('operation', holder, resource, key);
}
