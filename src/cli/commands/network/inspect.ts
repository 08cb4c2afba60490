import { inspect } from '../../../client/calls/networks.ts';
import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { inspectAll } from '../../inspect-all.ts';

export const command: Command = {
  paths: ['network inspect'],
  usage: '[OPTIONS] NETWORK [NETWORK...]',
  short: 'Show everything about networks',
  flags: [
    formatFlag('f'),
    { long: 'verbose', short: 'v', kind: 'bool', description: 'With what the nodes of a swarm know of it' },
  ],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    inspectAll(session, args, flags.string('format'), (one, name) =>
      inspect(one.engine, name, { verbose: flags.bool('verbose') }),
    ),
};
