import { createReadStream } from 'node:fs';
import { importFiles } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';
import { withProgress } from '../../copy/progress.ts';
import { openArchive } from '../../option-file.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['volume import'],
  usage: '[OPTIONS] FILE|- VOLUME',
  short: 'Fill a new or empty volume from an archive, plain or compressed',
  flags: [
    {
      long: 'quiet',
      short: 'q',
      kind: 'bool',
      description: 'Say nothing of the progress (as where stderr is no terminal)',
    },
  ],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [file = '', volume = ''] }, session) => {
    const archive = file === '-' ? standardInput().chunks() : createReadStream('', { fd: openArchive(file) });
    const telling = { header: `Importing ${volume}: `, quiet: flags.bool('quiet'), err: session.err };
    await withProgress<Uint8Array>(telling, archive, async (chunks) => {
      await importFiles(session.engine, volume, chunks);
    });
    await session.out.write(`${volume}\n`);
    return 0;
  },
};
