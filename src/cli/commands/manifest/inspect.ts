import type { ImageIndex } from '../../../api/oci/image.ts';
import type { DistributionManifest } from '../../../api/types/registry.ts';
import { messageOf } from '../../../base/errors.ts';
import { remoteManifest } from '../../../client/calls/registry.ts';
import { openManifestLists } from '../../../client/manifest-lists.ts';
import { formatFamiliar, type Reference, withDigest } from '../../../formats/reference.ts';
import type { Command, Invocation, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { describeManifest, formatList, isIndex, manifestReference, noSuchManifest } from '../../manifest-lists.ts';
import { registryLogin } from '../../registry-login.ts';

export const command: Command = {
  paths: ['manifest inspect'],
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  short: 'Show a manifest or an index: a local list, one of its images, or what the registry has',
  flags: [
    { long: 'insecure', kind: 'bool', description: 'The registry may speak plain HTTP or show any certificate' },
    { long: 'verbose', short: 'v', kind: 'bool', description: 'Show digests, sizes and platforms too' },
  ],
  args: { min: 1, max: 2 },
  run: async ({ flags, args }, session) => {
    const [name = '', image] = args;
    const reference = manifestReference(name);
    const within = image === undefined ? undefined : manifestReference(image);
    const text =
      localText(session, reference, within, flags.bool('verbose')) ?? (await remoteText(session, reference, flags));
    await session.out.write(`${text}\n`);
    return 0;
  },
};
/** What is known here; undefined for a name that is no local list. @throws CommandFailure for an image that a list lacks. */
function localText(session: Session, list: Reference, image: Reference | undefined, verbose: boolean) {
  const lists = openManifestLists(session.configFolder);
  if (image) {
    const manifest = lists.get(list, image);
    if (!manifest) throw noSuchManifest(image);
    return indented(verbose ? manifest : rawJson(manifest));
  }
  const manifests = lists.list(list);
  if (manifests === undefined) return undefined;
  if (verbose) return indented(manifests);
  try {
    return formatList(list, manifests).bytes.toString();
  } catch (cause) {
    throw new CommandFailure(`failed to assemble ManifestDescriptor: ${messageOf(cause)}`, 1, { cause });
  }
}

async function remoteText(session: Session, reference: Reference, flags: Invocation['flags']): Promise<string> {
  const auth = await registryLogin(session, reference.domain);
  const fetch = (one: Reference) =>
    remoteManifest(session.engine, formatFamiliar(one), { insecure: flags.bool('insecure'), auth });
  const top = await fetch(reference);
  return indented(flags.bool('verbose') ? await verboseForm(reference, top, fetch) : rawJson(top));
}

const indented = (value: unknown): string => JSON.stringify(value, null, '\t');
const rawJson = ({ Raw }: { readonly Raw: string }): unknown => JSON.parse(Buffer.from(Raw, 'base64').toString());

/** What Docker's verbose form shows: of an index, each manifest it names, with the platform the index says. */
async function verboseForm(
  reference: Reference,
  top: DistributionManifest,
  fetch: (reference: Reference) => Promise<DistributionManifest>,
): Promise<unknown> {
  if (!isIndex(top.Descriptor)) return describeManifest(reference, top, top.Platforms[0]);
  const described: unknown[] = [];
  for (const { digest, platform } of (rawJson(top) as ImageIndex).manifests) {
    described.push(describeManifest({ ...reference, digest }, await fetch(withDigest(reference, digest)), platform));
  }
  return described;
}
