import { formatReference, parseReference } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { pullImage } from './pull-image.ts';

export const command: Command = {
  paths: ['image pull', 'pull'],
  usage: '[OPTIONS] NAME[:TAG|@DIGEST]',
  short: 'Download an image from a registry',
  flags: [
    { long: 'platform', kind: 'string', description: 'Platform of the image (OS[/ARCH[/VARIANT]])' },
    { long: 'quiet', short: 'q', kind: 'bool', description: "Print only the image's name" },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''] }, session) => {
    const quiet = flags.bool('quiet');
    const { tag, digest } = parseReference(name);
    if (!quiet && tag === undefined && digest === undefined) await session.out.write('Using default tag: latest\n');
    const platform = flags.optional('platform');
    const reference = await pullImage(session, name, { platform, out: quiet ? undefined : session.out });
    await session.out.write(`${formatReference(reference)}\n`);
    return 0;
  },
};
