import { wait } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['container wait', 'wait'],
  usage: 'CONTAINER [CONTAINER...]',
  short: 'Wait until containers stop and print their exit codes',
  flags: [],
  args: { min: 1 },
  run: ({ args }, session) =>
    forEach(session, args, async (name) => {
      const { result } = await wait(session.engine, name, undefined);
      const { StatusCode: status, Error: failure } = await result;
      if (failure?.Message) throw new Error(failure.Message);
      return String(status);
    }),
};
