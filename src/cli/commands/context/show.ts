import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['context show'],
  usage: '',
  short: 'Print the name of the current context',
  flags: [],
  args: { min: 0, max: 0 },
  withoutEngine: true,
  run: async (_invocation, session) => {
    await session.out.write(`${session.contextName}\n`);
    return 0;
  },
};
