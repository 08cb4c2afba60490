import { inspect } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { inspectAll } from '../../inspect-all.ts';
import { platformJson } from '../../platform-option.ts';

export const command: Command = {
  paths: ['image inspect'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  short: 'Show everything about images',
  flags: [
    formatFlag('f'),
    { long: 'platform', kind: 'string', description: 'Show what is for this platform (OS/ARCH[/VARIANT])' },
  ],
  args: { min: 1 },
  run: ({ flags, args }, session) => {
    const platform = platformJson(flags.optional('platform'));
    return inspectAll(session, args, flags.string('format'), ({ engine }, name) => inspect(engine, name, platform));
  },
};
