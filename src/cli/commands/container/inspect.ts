import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { findContainer, inspectAll } from '../../inspect-all.ts';

export const command: Command = {
  paths: ['container inspect'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Show everything about containers',
  flags: [formatFlag('f'), { long: 'size', short: 's', kind: 'bool', description: 'Show the sizes of their files' }],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    inspectAll(session, args, flags.string('format'), (one, name) => findContainer(one, name, flags.bool('size'))),
};
