import { messageOf } from '../../../base/errors.ts';
import { rename } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';

export const command: Command = {
  paths: ['container rename', 'rename'],
  usage: 'CONTAINER NEW_NAME',
  short: 'Give a container another name',
  flags: [],
  args: { min: 2, max: 2 },
  run: async ({ args: [container = '', name = ''] }, session) => {
    const [from, to] = [container.trim(), name.trim()];
    if (from === '' || to === '') throw new CommandFailure('Error: Neither old nor new names may be empty', 1);
    try {
      await rename(session.engine, from, to);
    } catch (error) {
      throw new CommandFailure(`${messageOf(error)}\nError: failed to rename container named ${from}`, 1, {
        cause: error,
      });
    }
    return 0;
  },
};
