import type { PushedManifest } from '../../../api/types/registry.ts';
import { pushManifest } from '../../../client/calls/registry.ts';
import { type LocalManifest, openManifestLists } from '../../../client/manifest-lists.ts';
import {
  familiarName,
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  withDigest,
} from '../../../formats/reference.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { formatList, manifestReference, noSuchManifest } from '../../manifest-lists.ts';
import { registryLogin } from '../../registry-login.ts';

export const command: Command = {
  paths: ['manifest push'],
  usage: '[OPTIONS] MANIFEST_LIST',
  short: 'Push a local list of manifests to its registry',
  flags: [
    { long: 'insecure', kind: 'bool', description: 'The registry may speak plain HTTP or show any certificate' },
    { long: 'purge', short: 'p', kind: 'bool', description: 'Remove the local list once it is pushed' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''] }, session) => {
    const list = manifestReference(name);
    const lists = openManifestLists(session.configFolder);
    const manifests = lists.list(list);
    if (manifests === undefined) throw noSuchManifest(list);
    if (manifests.length === 0) throw new CommandFailure(`${formatReference(list)} not found`, 1);
    await pushList(session, list, manifests, flags.bool('insecure'));
    if (flags.bool('purge')) lists.remove(list);
    return 0;
  },
};

/** Pushes images that lie in another repository to that of the list first, then the list. Interrupted, no tag is changed. */
async function pushList(session: Session, list: Reference, manifests: readonly LocalManifest[], insecure: boolean) {
  for (const { Ref, Descriptor } of manifests) {
    const { os, architecture } = Descriptor.platform ?? {};
    if (!os || !architecture)
      throw new CommandFailure(`manifest ${Ref} must have an OS and Architecture to be pushed to a registry`, 1);
  }
  const { mediaType, bytes } = formatList(list, manifests);
  const auth = await registryLogin(session, list.domain);
  const put = (target: Reference, manifest: PushedManifest) =>
    pushManifest(session.engine, formatFamiliar(target), manifest, { insecure, auth });
  for (const manifest of manifests) {
    const source = parseReference(manifest.Ref);
    if (source.path === list.path) continue;
    const target = withDigest(list, manifest.Descriptor.digest);
    const { MediaType, Raw } = { MediaType: manifest.Descriptor.mediaType, Raw: manifest.Raw };
    const { Digest } = await put(target, { MediaType, Raw, Source: familiarName(source), Blobs: blobsOf(manifest) });
    await session.out.write(`Pushed ref ${formatReference(target)} with digest: ${Digest}\n`);
  }
  const { Digest } = await put(list, { MediaType: mediaType, Raw: bytes.toString('base64') });
  await session.out.write(`${Digest}\n`);
}

function blobsOf({ SchemaV2Manifest, OCIManifest }: LocalManifest): string[] {
  const manifest = SchemaV2Manifest ?? OCIManifest;
  return manifest ? [manifest.config, ...manifest.layers].map(({ digest }) => digest) : [];
}
