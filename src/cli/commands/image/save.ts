import { save } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { checkOutputFile, writeFileWhole } from '../../output-file.ts';
import { platformJson } from '../../platform-option.ts';

export const command: Command = {
  paths: ['image save', 'save'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  short: 'Save images as an archive to a file or stdout',
  flags: [
    { long: 'output', short: 'o', kind: 'string', description: 'File to write instead of stdout' },
    { long: 'platform', kind: 'string', description: 'Save only what is for this platform (OS/ARCH[/VARIANT])' },
  ],
  args: { min: 1 },
  run: async ({ flags, args }, session) => {
    const file = flags.optional('output');
    const platform = platformJson(flags.optional('platform'));
    if (file === undefined && session.out.isTerminal)
      throw new CommandFailure('cowardly refusing to save to a terminal. Use the -o flag or redirect', 1);
    if (file !== undefined) checkOutputFile(file, 'failed to save image');
    const archive = await save(session.engine, args, platform);
    if (file !== undefined) await writeFileWhole(file, archive);
    else for await (const chunk of archive) await session.out.write(chunk);
    return 0;
  },
};
