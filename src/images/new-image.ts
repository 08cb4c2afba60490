import type { Descriptor, ImageConfigBlob, ImageManifest } from '../api/oci/image.ts';
import { mediaTypes } from '../api/oci/image.ts';
import type { ContentStore } from './content/contract.ts';
import type { Operation } from './operation.ts';

/**
 * Stores the configuration and a manifest for layers whose blobs are in the store. Returns the image's id (the
 * digest of the configuration) and the manifest's descriptor. The same input gives the same digests.
 */
export async function writeImage(
  content: ContentStore,
  operation: Operation,
  config: ImageConfigBlob | Uint8Array,
  layers: readonly Descriptor[],
): Promise<{ id: string; manifest: Descriptor }> {
  const bytes = config instanceof Uint8Array ? config : Buffer.from(JSON.stringify(config));
  const id = await content.put(bytes);
  operation.holdBlob(id);
  const manifestBytes = formatManifest({ mediaType: mediaTypes.ociConfig, digest: id, size: bytes.length }, layers);
  const digest = await content.put(manifestBytes);
  operation.holdBlob(digest);
  return { id, manifest: { mediaType: mediaTypes.ociManifest, digest, size: manifestBytes.length } };
}

/** The bytes of an OCI manifest. */
export function formatManifest(config: Descriptor, layers: readonly Descriptor[]): Buffer {
  const manifest: ImageManifest = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  return Buffer.from(JSON.stringify(manifest));
}
