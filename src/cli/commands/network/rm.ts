import { isKind } from '../../../base/errors.ts';
import { remove } from '../../../client/calls/networks.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['network rm', 'network remove'],
  usage: 'NETWORK [NETWORK...]',
  short: 'Remove networks that no container is on',
  flags: [{ long: 'force', short: 'f', kind: 'bool', description: 'Those that are not there are no fault' }],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    forEach(session, args, async (name) => {
      try {
        await remove(session.engine, name);
      } catch (error) {
        if (!(flags.bool('force') && isKind(error, 'not-found'))) throw error;
        return null;
      }
      return name;
    }),
};
