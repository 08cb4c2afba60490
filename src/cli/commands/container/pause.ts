import { pause } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['container pause', 'pause'],
  usage: 'CONTAINER [CONTAINER...]',
  short: 'Freeze all processes of containers',
  flags: [],
  args: { min: 1 },
  run: ({ args }, session) =>
    forEach(session, args, async (name) => {
      await pause(session.engine, name);
      return name;
    }),
};
