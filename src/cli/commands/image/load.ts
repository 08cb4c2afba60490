import { createReadStream } from 'node:fs';
import { load } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { openArchive } from '../../option-file.ts';
import { showProgress } from '../../output/progress.ts';
import { platformJson } from '../../platform-option.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['image load', 'load'],
  usage: '[OPTIONS]',
  short: 'Load images from an archive or stdin',
  flags: [
    { long: 'input', short: 'i', kind: 'string', description: 'Archive to read instead of stdin' },
    { long: 'platform', kind: 'string', description: 'Load only what is for this platform (OS/ARCH[/VARIANT])' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Print only what was loaded' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const file = flags.optional('input');
    const platform = platformJson(flags.optional('platform'));
    if (file === undefined && standardInput().isTerminal)
      throw new CommandFailure('requested load from stdin, but stdin is empty', 1);
    const archive = file === undefined ? standardInput().chunks() : createReadStream('', { fd: openArchive(file) });
    const messages = load(session.engine, archive, {
      quiet: flags.bool('quiet') || !session.out.isTerminal,
      platform,
    });
    await showProgress(messages, session.out);
    return 0;
  },
};
