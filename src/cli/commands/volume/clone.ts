import { clone } from '../../../client/calls/volumes.ts';
import { parseLabel } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['volume clone'],
  usage: '[OPTIONS] VOLUME NEW_VOLUME',
  short: 'Make a new volume with the content of another one',
  flags: [{ long: 'label', kind: 'list', description: 'Label of the new volume (KEY=VALUE)' }],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [volume = '', Name = ''] }, session) => {
    const Labels = Object.fromEntries(flags.list('label').map(parseLabel));
    await clone(session.engine, volume, { Name, ...(flags.given('label') ? { Labels } : {}) });
    await session.out.write(`${Name}\n`);
    return 0;
  },
};
