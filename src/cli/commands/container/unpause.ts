import { unpause } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['container unpause', 'unpause'],
  usage: 'CONTAINER [CONTAINER...]',
  short: 'Let paused containers go on',
  flags: [],
  args: { min: 1 },
  run: ({ args }, session) =>
    forEach(session, args, async (name) => {
      await unpause(session.engine, name);
      return name;
    }),
};
