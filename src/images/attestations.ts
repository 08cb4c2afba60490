import { unsupported } from '../base/errors.ts';
import type { LocalContentStore } from './content/store.ts';
import type { Image } from './contract.ts';
import { parseIndex } from './image-config.ts';
import type { ImageState } from './store.ts';

/**
 * The statements that are attached to an image in the index that it was taken from. None of tug's transfers brings
 * them along, so this is an empty list or a refusal. @throws unsupported when the index names some.
 */
export async function attestationsOf(
  { content, state }: { content: LocalContentStore; state: ImageState },
  image: Image,
): Promise<never[]> {
  const index = state.indexOf(image.id);
  if (!index || !content.has(index.digest)) return [];
  const { manifests } = parseIndex(await content.read(index.digest));
  const attached = manifests.filter(
    ({ annotations }) =>
      annotations?.['vnd.docker.reference.type'] === 'attestation-manifest' &&
      annotations['vnd.docker.reference.digest'] === image.manifest?.digest,
  );
  const [first] = attached;
  if (!first) return [];
  const what = `image ${image.id} has attestations (${first.digest}), which were not fetched with it`;
  throw unsupported(`${what}: reading attestations is not available in this version of tug`, { code: 'not-built' });
}
