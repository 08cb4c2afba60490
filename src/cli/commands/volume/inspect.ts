import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { findVolume, inspectAll } from '../../inspect-all.ts';

export const command: Command = {
  paths: ['volume inspect'],
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  short: 'Show everything about volumes',
  flags: [formatFlag('f')],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    inspectAll(session, args, flags.string('format'), (one, name) => findVolume(one, name, false)),
};
