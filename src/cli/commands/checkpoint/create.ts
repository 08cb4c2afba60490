import { createCheckpoint } from '../../../client/calls/checkpoints.ts';
import type { Command } from '../../command.ts';
import { folderFlag } from './folder-flag.ts';

export const command: Command = {
  paths: ['checkpoint create'],
  usage: '[OPTIONS] CONTAINER CHECKPOINT',
  short: 'Make a checkpoint of a running container',
  flags: [folderFlag, { long: 'leave-running', kind: 'bool', description: 'Let the container run on' }],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [container = '', name = ''] }, session) => {
    const options = { name, folder: flags.optional('checkpoint-dir'), exit: !flags.bool('leave-running') };
    await createCheckpoint(session.engine, container, options);
    await session.out.write(`${name}\n`);
    return 0;
  },
};
