import { rename } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['volume rename'],
  usage: 'VOLUME NEW_NAME',
  short: 'Give a volume that no container uses another name',
  flags: [],
  args: { min: 2, max: 2 },
  run: async ({ args: [volume = '', name = ''] }, session) => {
    await rename(session.engine, volume, name);
    return 0;
  },
};
