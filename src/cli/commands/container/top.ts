import { top } from '../../../client/calls/stats.ts';
import type { Command } from '../../command.ts';
import { renderTable } from '../../output/table.ts';

export const command: Command = {
  paths: ['container top', 'top'],
  usage: 'CONTAINER [ps OPTIONS]',
  short: 'Show the processes of a container',
  flags: [],
  args: { min: 1 },
  stopAtArgument: true,
  run: async ({ args: [container = '', ...options] }, session) => {
    const { Titles, Processes } = await top(session.engine, container, options.join(' '));
    await session.out.write(renderTable([Titles, ...(Processes ?? [])], { narrowest: 20 }));
    return 0;
  },
};
