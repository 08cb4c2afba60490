import { invalid } from '../../../base/errors.ts';
import { formatReference, parseReference } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { contentTrustFlag, refuseContentTrust } from '../../content-trust.ts';
import { pullImage } from './pull-image.ts';

export const command: Command = {
  paths: ['image pull', 'pull'],
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  short: 'Download an image from a registry',
  flags: [
    { long: 'all-tags', short: 'a', kind: 'bool', description: 'Download all tags of the repository' },
    contentTrustFlag,
    { long: 'platform', kind: 'string', description: 'Platform of the image (OS[/ARCH[/VARIANT]])' },
    { long: 'quiet', short: 'q', kind: 'bool', description: "Print only the image's name" },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''] }, session) => {
    refuseContentTrust(flags);
    const quiet = flags.bool('quiet');
    const allTags = flags.bool('all-tags');
    const { tag, digest } = parseReference(name);
    const isNameOnly = tag === undefined && digest === undefined;
    if (allTags && !isNameOnly) throw invalid("tag can't be used with --all-tags/-a");
    if (!quiet && !allTags && isNameOnly) await session.out.write('Using default tag: latest\n');
    const platform = flags.optional('platform');
    const reference = await pullImage(session, name, { platform, allTags, out: quiet ? undefined : session.out });
    await session.out.write(`${formatReference(reference)}\n`);
    return 0;
  },
};
