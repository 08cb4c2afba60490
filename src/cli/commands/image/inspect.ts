import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { findImage, inspectAll } from '../../inspect-all.ts';

export const command: Command = {
  paths: ['image inspect'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  short: 'Show everything about images',
  flags: [formatFlag('f')],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    inspectAll(session, args, flags.string('format'), (one, name) => findImage(one, name, false)),
};
