import type { Platform } from '../../../api/oci/image.ts';
import { messageOf } from '../../../base/errors.ts';
import { openManifestLists } from '../../../client/manifest-lists.ts';
import type { Reference } from '../../../formats/reference.ts';
import type { Command, Invocation } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { manifestReference } from '../../manifest-lists.ts';

export const command: Command = {
  paths: ['manifest annotate'],
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST',
  short: 'Say what platform an image of a local list of manifests is for',
  flags: [
    { long: 'arch', kind: 'string', description: 'Architecture' },
    { long: 'os', kind: 'string', description: 'Operating system' },
    { long: 'os-features', kind: 'list', value: 'strings', description: 'Features of the operating system' },
    { long: 'os-version', kind: 'string', description: 'Version of the operating system' },
    { long: 'variant', kind: 'string', description: 'Variant of the architecture' },
  ],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [name = '', imageName = ''] }, session) => {
    const list = named('manifest list', name);
    const image = named('manifest', imageName);
    const lists = openManifestLists(session.configFolder);
    const manifest = lists.get(list, image);
    if (!manifest) throw new CommandFailure(`manifest for image ${imageName} does not exist in ${name}`, 1);
    const platform = annotated(manifest.Descriptor.platform, flags);
    if (!isKnown(platform)) {
      const asked = `${flags.string('os')}/${flags.string('arch')}`;
      throw new CommandFailure(`manifest entry for image has unsupported os/arch combination: ${asked}`, 1);
    }
    lists.save(list, [{ image, manifest: { ...manifest, Descriptor: { ...manifest.Descriptor, platform } } }]);
    return 0;
  },
};

function named(what: string, text: string): Reference {
  try {
    return manifestReference(text);
  } catch (cause) {
    throw new CommandFailure(`annotate: error parsing name for ${what} ${text}: ${messageOf(cause)}`, 1, { cause });
  }
}

/** The platform with what was given in place of what it had; features are added. */
function annotated(before: Platform | undefined, flags: Invocation['flags']): Platform {
  const given = flags.list('os-features').flatMap((text) => text.split(','));
  const features = [...new Set([...(before?.['os.features'] ?? []), ...given])];
  const version = flags.string('os-version') || before?.['os.version'];
  const variant = flags.string('variant') || before?.variant;
  return {
    architecture: flags.string('arch') || (before?.architecture ?? ''),
    os: flags.string('os') || (before?.os ?? ''),
    ...(version ? { 'os.version': version } : {}),
    ...(features.length > 0 ? { 'os.features': features } : {}),
    ...(variant ? { variant } : {}),
  };
}

/** Architectures of each operating system that Docker's command line takes. */
const architectures: Readonly<Record<string, string>> = {
  darwin: '386 amd64 arm arm64',
  dragonfly: 'amd64',
  freebsd: '386 amd64 arm',
  linux: '386 amd64 arm arm64 ppc64le mips64 mips64le riscv64 s390x',
  netbsd: '386 amd64 arm',
  openbsd: '386 amd64 arm',
  plan9: '386 amd64',
  solaris: 'amd64',
  windows: '386 amd64',
};

const isKnown = ({ os, architecture }: Platform): boolean =>
  Object.hasOwn(architectures, os) && (architectures[os] ?? '').split(' ').includes(architecture);
