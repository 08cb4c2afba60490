import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Descriptor } from '../api/oci/image.ts';
import { sha256 } from '../formats/digest.ts';
import { attestationsOf } from './attestations.ts';

type Deps = Parameters<typeof attestationsOf>[0];
type Image = Parameters<typeof attestationsOf>[1];

const own = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: sha256(Buffer.from('own')), size: 3 };
const other = { ...own, digest: sha256(Buffer.from('other')) };
const image = { id: 'sha256:image', manifest: own } as unknown as Image;

/** An attestation of the image with this digest. */
const attestation = (digest: string): Descriptor => ({
  ...other,
  annotations: { 'vnd.docker.reference.type': 'attestation-manifest', 'vnd.docker.reference.digest': digest },
});

function deps(manifests: readonly Descriptor[] | undefined): Deps {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }));
  const content = { has: (digest: string) => digest === sha256(bytes), read: async () => bytes };
  const state = { indexOf: () => (manifests ? { ...own, digest: sha256(bytes) } : undefined) };
  return { content, state } as unknown as Deps;
}

describe('attestations', () => {
  it('are none for an image that no index, or none with attestations of it, brought', async () => {
    for (const manifests of [undefined, [own], [own, attestation(other.digest)]])
      assert.deepEqual(await attestationsOf(deps(manifests), image), []);
  });

  it('are refused where the index names some', async () => {
    await assert.rejects(attestationsOf(deps([own, attestation(own.digest)]), image), {
      kind: 'unsupported',
      message: /has attestations .* were not fetched with it/,
    });
  });
});
