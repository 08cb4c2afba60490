import { stop } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';
import { stopFlags, stopOptions } from './stop-flags.ts';

export const command: Command = {
  paths: ['container stop', 'stop'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Stop running containers',
  flags: stopFlags,
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    forEach(session, args, async (name) => {
      await stop(session.engine, name, stopOptions(flags));
      return name;
    }),
};
