import { restart } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['container restart', 'restart'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Stop containers and start them again',
  flags: [
    { long: 'signal', short: 's', kind: 'string', description: 'Signal to send first' },
    { long: 'timeout', short: 't', kind: 'int', description: 'Seconds until SIGKILL; -1 for never' },
    { long: 'time', kind: 'int', description: '', aliasOf: 'timeout' },
  ],
  args: { min: 1 },
  run: ({ flags, args }, session) => {
    const timeout = flags.given('timeout') ? flags.int('timeout') : undefined;
    const signal = flags.optional('signal');
    return forEach(session, args, async (name) => {
      await restart(session.engine, name, { timeout, signal });
      return name;
    });
  },
};
