import { restart } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';
import { stopFlags, stopOptions } from './stop-flags.ts';

export const command: Command = {
  paths: ['container restart', 'restart'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Stop containers and start them again',
  flags: stopFlags,
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    forEach(session, args, async (name) => {
      await restart(session.engine, name, stopOptions(flags));
      return name;
    }),
};
