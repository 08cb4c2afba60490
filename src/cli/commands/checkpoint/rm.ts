import { removeCheckpoint } from '../../../client/calls/checkpoints.ts';
import type { Command } from '../../command.ts';
import { folderFlag } from './folder-flag.ts';

export const command: Command = {
  paths: ['checkpoint rm'],
  usage: '[OPTIONS] CONTAINER CHECKPOINT',
  short: 'Remove a checkpoint',
  flags: [folderFlag],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [container = '', name = ''] }, session) => {
    await removeCheckpoint(session.engine, container, { name, folder: flags.optional('checkpoint-dir') });
    return 0;
  },
};
