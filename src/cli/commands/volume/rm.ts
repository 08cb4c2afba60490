import { remove } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['volume rm', 'volume remove'],
  usage: '[OPTIONS] VOLUME [VOLUME...]',
  short: 'Remove volumes that no container uses',
  flags: [{ long: 'force', short: 'f', kind: 'bool', description: 'Those that are not there are no fault' }],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    forEach(session, args, async (name) => {
      await remove(session.engine, name, flags.bool('force'));
      return name;
    }),
};
