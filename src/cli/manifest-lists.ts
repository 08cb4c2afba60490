import type { Descriptor } from '../api/oci/image.ts';
import { mediaTypes } from '../api/oci/image.ts';
import type { DistributionManifest } from '../api/types/registry.ts';
import { isKind } from '../base/errors.ts';
import { remoteManifest } from '../client/calls/registry.ts';
import type { LocalManifest } from '../client/manifest-lists.ts';
import {
  formatFamiliar,
  formatReference,
  parseReference,
  type Reference,
  withDefaultTag,
} from '../formats/reference.ts';
import type { Session } from './command.ts';
import { CommandFailure } from './exit-codes.ts';
import { registryLogin } from './registry-login.ts';

/** The reference that a list or a manifest is known by: with a tag or a digest. @throws invalid. */
export function manifestReference(text: string): Reference {
  const reference = parseReference(text);
  return reference.digest === undefined ? withDefaultTag(reference) : reference;
}

/** What Docker says of a list or an image in it that is not there. */
export const noSuchManifest = (reference: Reference): CommandFailure =>
  new CommandFailure(`No such manifest: ${formatReference(reference)}`, 1);

export const isIndex = ({ mediaType }: Descriptor): boolean =>
  mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;

/** The manifest of an image as its registry has it, for a local list. @throws CommandFailure when there is none, or it is an index. */
export async function imageManifest(session: Session, image: Reference, insecure: boolean): Promise<LocalManifest> {
  const auth = await registryLogin(session, image.domain);
  const found = await remoteManifest(session.engine, formatFamiliar(image), { insecure, auth }).catch(
    (cause: unknown) => {
      if (isKind(cause, 'not-found'))
        throw new CommandFailure(`no such manifest: ${formatReference(image)}`, 1, { cause });
      throw cause;
    },
  );
  if (isIndex(found.Descriptor)) throw new CommandFailure(`${formatReference(image)} is a manifest list`, 1);
  return describeManifest(image, found, found.Platforms[0]);
}

/** A manifest in the form that local lists and the verbose `inspect` have. */
export function describeManifest(
  reference: Reference,
  found: DistributionManifest,
  platform: Descriptor['platform'],
): LocalManifest {
  const field = found.Descriptor.mediaType === mediaTypes.dockerManifest ? 'SchemaV2Manifest' : 'OCIManifest';
  return {
    Ref: formatReference(reference),
    Descriptor: { ...found.Descriptor, ...(platform ? { platform } : {}) },
    Raw: found.Raw,
    [field]: JSON.parse(Buffer.from(found.Raw, 'base64').toString()) as unknown,
  };
}

/**
 * The index that a local list stands for, byte for byte as Docker writes it, so that both give it the same digest.
 * @throws CommandFailure when an image is of another registry than the list.
 */
export function formatList(list: Reference, manifests: readonly LocalManifest[]): { mediaType: string; bytes: Buffer } {
  const mediaType =
    manifests[0]?.Descriptor.mediaType === mediaTypes.ociManifest ? mediaTypes.ociIndex : mediaTypes.dockerList;
  const document = { schemaVersion: 2, mediaType, manifests: manifests.map((manifest) => entryOf(list, manifest)) };
  return { mediaType, bytes: Buffer.from(JSON.stringify(document, null, 3)) };
}

function entryOf(list: Reference, { Ref, Descriptor: { mediaType, size, digest, platform } }: LocalManifest): object {
  const { domain } = parseReference(Ref);
  if (domain !== list.domain) {
    const registries = `${domain} != ${list.domain}`;
    const text = `cannot use source images from a different registry than the target image: ${registries}`;
    throw new CommandFailure(text, 1);
  }
  const { architecture = '', os = '', 'os.version': version, 'os.features': features, variant } = platform ?? {};
  return {
    ...{ mediaType, size, digest },
    platform: {
      ...{ architecture, os },
      ...(version ? { 'os.version': version } : {}),
      ...(features?.length ? { 'os.features': features } : {}),
      ...(variant ? { variant } : {}),
    },
  };
}
