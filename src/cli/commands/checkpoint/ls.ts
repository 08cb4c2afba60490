import { listCheckpoints } from '../../../client/calls/checkpoints.ts';
import type { Command } from '../../command.ts';
import { renderTable } from '../../output/table.ts';
import { folderFlag } from './folder-flag.ts';

export const command: Command = {
  paths: ['checkpoint ls', 'checkpoint list'],
  usage: '[OPTIONS] CONTAINER',
  short: "List a container's checkpoints",
  flags: [folderFlag],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [container = ''] }, session) => {
    const found = await listCheckpoints(session.engine, container, flags.optional('checkpoint-dir'));
    await session.out.write(renderTable([['CHECKPOINT NAME'], ...found.map(({ Name }) => [Name])]));
    return 0;
  },
};
