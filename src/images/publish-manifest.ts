import { mediaTypes } from '../api/oci/image.ts';
import { invalid, TugError } from '../base/errors.ts';
import { isDigest, sha256 } from '../formats/digest.ts';
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from '../formats/reference.ts';
import type { RegistryClient } from '../registry-client/client.ts';
import type { RegistryAuth } from './contract.ts';
import { createSlots } from './slots.ts';

/** A manifest or an index that is to be stored at a registry as it is. */
export interface PublishRequest {
  /** Where to: a name with a tag (`latest` by default) or with the digest of the bytes. */
  readonly reference: string;
  readonly auth: RegistryAuth | undefined;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** The repository of the same registry that has the blobs. */
  readonly source: string | undefined;
  /** Digests of what the target is to have before the manifest. */
  readonly blobs: readonly string[];
}

const publishable: readonly string[] = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
];
const atOnce = 5;

/**
 * Stores a manifest at its registry, which first takes the blobs over from the source repository. Nothing is kept
 * here. Idempotent; interrupted before its end, it leaves blobs there that no tag names.
 * @returns the digest. @throws invalid for what is no manifest, another digest, another registry as source;
 * unavailable when the registry has not got a blob; unauthorized, forbidden and what else the registry says.
 */
export async function publishManifest(
  registries: RegistryClient,
  request: PublishRequest,
  signal: AbortSignal,
): Promise<string> {
  const reference = withDefaultTag(parseReference(request.reference));
  const { mediaType, bytes, blobs } = request;
  const digest = sha256(bytes);
  checkManifest(request);
  if (reference.digest !== undefined && reference.digest !== digest) {
    throw invalid(`the manifest has the digest ${digest}, not ${reference.digest}`, { code: 'digest-mismatch' });
  }
  const target = registries.pushTarget(reference, request.auth);
  const source = sourceOf(request, reference.domain);
  const slots = createSlots(atOnce);
  const mounts = [...new Set(blobs)].map((blob) =>
    slots.with(signal, async () => {
      if (source !== undefined && (await target.mountBlob(blob, source.path, signal))) return;
      if (await target.hasBlob(blob, signal)) return;
      const from = source ? `${formatReference(source)}@${blob}` : blob;
      throw new TugError('unavailable', `error mounting ${from} to ${formatFamiliar(reference)}`, { code: 'no-mount' });
    }),
  );
  const outcomes = await Promise.allSettled(mounts);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  await target.putManifest(reference.digest ?? reference.tag ?? '', { mediaType, digest, bytes }, signal);
  return digest;
}

function checkManifest({ mediaType, bytes, blobs }: PublishRequest): void {
  if (!publishable.includes(mediaType)) throw invalid(`${JSON.stringify(mediaType)} is no type of a manifest or index`);
  for (const blob of blobs) if (!isDigest(blob)) throw invalid(`not a digest: ${blob}`);
  try {
    JSON.parse(bytes.toString());
  } catch (cause) {
    throw invalid('the manifest is not JSON', { cause });
  }
}

function sourceOf({ source }: PublishRequest, domain: string) {
  if (source === undefined) return undefined;
  const { domain: its, path } = parseReference(source);
  if (its !== domain) throw invalid(`blobs can be taken over within one registry only: ${its} is not ${domain}`);
  return { domain, path };
}
