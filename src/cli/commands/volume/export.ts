import { exportFiles } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';
import { withProgress } from '../../copy/progress.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { checkOutputFile, writeFileWhole } from '../../output-file.ts';

export const command: Command = {
  paths: ['volume export'],
  usage: '[OPTIONS] VOLUME',
  short: 'Write the content of a volume as an archive to a file or stdout',
  flags: [
    { long: 'output', short: 'o', kind: 'string', description: 'File to write instead of stdout' },
    {
      long: 'quiet',
      short: 'q',
      kind: 'bool',
      description: 'Say nothing of the progress (as where stderr is no terminal)',
    },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [volume = ''] }, session) => {
    const file = flags.optional('output');
    if (file === undefined && session.out.isTerminal)
      throw new CommandFailure('cowardly refusing to save to a terminal. Use the -o flag or redirect', 1);
    if (file !== undefined) checkOutputFile(file, 'failed to export volume');
    const archive = await exportFiles(session.engine, volume);
    const telling = { header: `Exporting ${volume}: `, quiet: flags.bool('quiet'), err: session.err };
    await withProgress(telling, archive, async (chunks) => {
      if (file !== undefined) await writeFileWhole(file, chunks);
      else for await (const chunk of chunks) await session.out.write(chunk);
    });
    return 0;
  },
};
