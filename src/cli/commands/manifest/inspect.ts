import type { Descriptor, ImageIndex } from '../../../api/oci/image.ts';
import { mediaTypes } from '../../../api/oci/image.ts';
import type { DistributionManifest } from '../../../api/types/registry.ts';
import { remoteManifest } from '../../../client/calls/registry.ts';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
  withDigest,
} from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { registryLogin } from '../../registry-login.ts';

export const command: Command = {
  paths: ['manifest inspect'],
  usage: '[OPTIONS] MANIFEST',
  short: 'Show a manifest, or an index of several, as its registry has it',
  flags: [
    { long: 'insecure', kind: 'bool', description: 'The registry may speak plain HTTP or show any certificate' },
    { long: 'verbose', short: 'v', kind: 'bool', description: 'Show digests, sizes and platforms too' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''] }, session) => {
    const reference = withDefaultTag(parseReference(name));
    const auth = await registryLogin(session, reference.domain);
    const fetch = (one: Reference) =>
      remoteManifest(session.engine, formatFamiliar(one), { insecure: flags.bool('insecure'), auth });
    const top = await fetch(reference);
    const text = flags.bool('verbose') ? await verbose(reference, top, fetch) : rawJson(top);
    await session.out.write(`${JSON.stringify(text, null, '\t')}\n`);
    return 0;
  },
};

const rawJson = (found: DistributionManifest): unknown => JSON.parse(Buffer.from(found.Raw, 'base64').toString());

const isIndex = ({ mediaType }: Descriptor): boolean =>
  mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;

/** What Docker's verbose form shows: of an index, each manifest it names, with the platform the index says. */
async function verbose(
  reference: Reference,
  top: DistributionManifest,
  fetch: (reference: Reference) => Promise<DistributionManifest>,
): Promise<unknown> {
  if (!isIndex(top.Descriptor)) return describe(reference, top, top.Platforms[0]);
  const described: unknown[] = [];
  for (const { digest, platform } of (rawJson(top) as ImageIndex).manifests) {
    described.push(describe({ ...reference, digest }, await fetch(withDigest(reference, digest)), platform));
  }
  return described;
}

function describe(reference: Reference, found: DistributionManifest, platform: Descriptor['platform']) {
  const field = found.Descriptor.mediaType === mediaTypes.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest';
  return {
    Ref: formatReference(reference),
    Descriptor: { ...found.Descriptor, ...(platform ? { platform } : {}) },
    Raw: found.Raw,
    [field]: rawJson(found),
  };
}
