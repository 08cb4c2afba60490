import { invalid } from '../../../base/errors.ts';
import { changes } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';

const letters = ['C', 'A', 'D'] as const;

export const command: Command = {
  paths: ['container diff', 'diff'],
  usage: 'CONTAINER',
  short: "Show what a container changed of its image's files",
  flags: [],
  args: { min: 1, max: 1 },
  run: async ({ args: [container = ''] }, session) => {
    if (container === '') throw invalid('Container name cannot be empty');
    const found = await changes(session.engine, container);
    await session.out.write(found.map(({ Path, Kind }) => `${letters[Kind]} ${Path}\n`).join(''));
    return 0;
  },
};
