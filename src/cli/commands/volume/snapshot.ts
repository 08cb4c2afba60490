import { clone } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['volume snapshot'],
  usage: 'VOLUME [SNAPSHOT]',
  short: 'Keep what is in a volume now, to be restored',
  flags: [],
  args: { min: 1, max: 2 },
  run: async ({ args: [volume = '', given] }, session) => {
    const Name = given ?? `${volume}-${new Date().toISOString().replace(/[-:]|\.\d+Z/g, '')}`;
    await clone(session.engine, volume, { Name, Snapshot: true });
    await session.out.write(`${Name}\n`);
    return 0;
  },
};
