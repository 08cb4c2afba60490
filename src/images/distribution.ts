import type { Descriptor, Platform } from '../api/oci/image.ts';
import { invalid, isKind } from '../base/errors.ts';
import { formatFamiliar, parseReference, type Reference, withDefaultTag } from '../formats/reference.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { Repository } from '../registry-client/repository.ts';
import { retrying } from '../registry-client/retry.ts';
import type { RegistryAuth } from './contract.ts';
import { readDocument } from './pull-manifest.ts';

/** What a registry has under a name, as it is there. */
export interface RemoteImage {
  readonly descriptor: Descriptor;
  /** The platforms of an index, or the one of an image. */
  readonly platforms: readonly Platform[];
  /** The manifest or index, byte for byte. */
  readonly bytes: Buffer;
}

const longestConfig = 4 * 1024 * 1024;

/**
 * Asks a registry for the manifest of a name, and what platforms it is for; nothing is kept here.
 * @throws invalid for a malformed name, not-found, unauthorized, unavailable.
 */
export async function inspectRemote(
  registries: RegistryClient,
  request: { reference: string; auth: RegistryAuth | undefined },
  signal: AbortSignal,
): Promise<RemoteImage> {
  const reference = withDefaultTag(parseReference(request.reference));
  const { own } = registries.repository(reference, request.auth);
  const fetched = await own.fetchManifest(reference.digest ?? reference.tag ?? '', signal);
  const { bytes, digest, mediaType } = fetched;
  const descriptor = { mediaType, digest, size: bytes.length };
  const small = (digest: string): Promise<Buffer> =>
    retrying(() => readSmall(own, digest, signal), registries.retry, signal);
  return { descriptor, platforms: await platformsOf(fetched, reference, small), bytes };
}

async function platformsOf(
  fetched: { bytes: Buffer; digest: string; mediaType: string },
  reference: Reference,
  readBlob: (digest: string) => Promise<Buffer>,
): Promise<Platform[]> {
  let document: ReturnType<typeof readDocument>;
  try {
    document = readDocument(fetched.bytes, fetched, formatFamiliar(reference));
  } catch (error) {
    if (isKind(error, 'unsupported')) return []; // it is no image, and has no platform
    throw error;
  }
  if (document.kind === 'index')
    return document.index.manifests.flatMap(({ platform }) => (platform ? [platform] : []));
  const { digest, size } = document.manifest.config;
  if (size > longestConfig) throw invalid(`the configuration of ${formatFamiliar(reference)} is too large`);
  return [platformOfConfig(await readBlob(digest))];
}

async function readSmall(from: Repository, digest: string, signal: AbortSignal): Promise<Buffer> {
  const answer = await from.fetchBlob(digest, { offset: 0, signal });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.bytes) {
      size += chunk.length;
      if (size > longestConfig) throw invalid(`blob ${digest} is too large for a configuration`);
      chunks.push(chunk);
    }
  } finally {
    answer.discard();
  }
  return Buffer.concat(chunks);
}

function platformOfConfig(bytes: Buffer): Platform {
  let config: Partial<Platform>;
  try {
    config = JSON.parse(bytes.toString()) as Partial<Platform>;
  } catch (error) {
    throw invalid('the configuration of the image is not JSON', { cause: error });
  }
  const { architecture = '', os = '', variant } = config ?? {};
  const version = config?.['os.version'];
  const features = config?.['os.features'];
  return {
    ...{ architecture, os },
    ...(version ? { 'os.version': version } : {}),
    ...(features?.length ? { 'os.features': features } : {}),
    ...(variant ? { variant } : {}),
  };
}
