import { mediaTypes } from '../../api/oci/image.ts';
import { isKind } from '../../base/errors.ts';
import { isDigest } from '../../formats/digest.ts';
import type { Repository, StoredManifest } from '../contract.ts';
import type { Exchange } from '../http/exchange.ts';

const indexTypes: readonly string[] = [mediaTypes.ociIndex, mediaTypes.dockerList];

/** True where the client takes that type, or does not say what it takes. */
export function accepts({ request }: Exchange, mediaType: string): boolean {
  const taken = (request.headers.accept ?? '')
    .split(',')
    .map((part) => part.split(';', 1)[0]?.trim() ?? '')
    .filter(Boolean);
  if (taken.length === 0) return true;
  return taken.some((type) => type === mediaType || type === '*/*' || type === 'application/*');
}

/**
 * The manifest to answer with. A client that asks by tag and knows nothing of indexes gets the image for linux/amd64
 * of it, as from CNCF distribution.
 */
export async function chooseForClient(
  exchange: Exchange,
  repository: Repository,
  reference: string,
  manifest: StoredManifest,
): Promise<StoredManifest> {
  if (isDigest(reference) || !indexTypes.includes(manifest.mediaType) || accepts(exchange, manifest.mediaType)) {
    return manifest;
  }
  const digest = platformDigest(manifest.content);
  if (digest === undefined) return manifest;
  try {
    return await repository.manifest(digest);
  } catch (error) {
    if (isKind(error, 'not-found')) return manifest;
    throw error;
  }
}

function platformDigest(index: Buffer): string | undefined {
  const { manifests } = JSON.parse(index.toString()) as {
    manifests: { digest: string; platform?: { os?: string; architecture?: string } }[];
  };
  return manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64')?.digest;
}
