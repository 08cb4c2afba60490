import { restore } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';

export const command: Command = {
  paths: ['volume restore'],
  usage: '[OPTIONS] VOLUME SNAPSHOT',
  short: 'Put what a snapshot keeps in the place of what is in a volume',
  flags: [{ long: 'force', short: 'f', kind: 'bool', description: 'Do not ask' }],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [volume = '', snapshot = ''] }, session) => {
    const warning = `This will remove all that is in the volume ${volume} now.`;
    if (!flags.bool('force') && !(await confirm(session, warning))) return 0;
    await restore(session.engine, volume, snapshot);
    await session.out.write(`${volume}\n`);
    return 0;
  },
};
