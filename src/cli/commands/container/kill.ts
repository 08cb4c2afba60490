import { kill } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['container kill', 'kill'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Kill running containers',
  flags: [{ long: 'signal', short: 's', kind: 'string', description: 'Signal to send instead of SIGKILL' }],
  args: { min: 1 },
  run: ({ flags, args }, session) =>
    forEach(session, args, async (name) => {
      await kill(session.engine, name, flags.optional('signal'));
      return name;
    }),
};
