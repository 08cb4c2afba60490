import { createReadStream } from 'node:fs';
import { importFiles } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';
import { openArchive } from '../../option-file.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['volume import'],
  usage: 'FILE|- VOLUME',
  short: 'Fill a new or empty volume from an archive, plain or compressed',
  flags: [],
  args: { min: 2, max: 2 },
  run: async ({ args: [file = '', volume = ''] }, session) => {
    const archive = file === '-' ? standardInput().chunks() : createReadStream('', { fd: openArchive(file) });
    await importFiles(session.engine, volume, archive);
    await session.out.write(`${volume}\n`);
    return 0;
  },
};
