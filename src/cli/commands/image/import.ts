import { createReadStream } from 'node:fs';
import { importArchive } from '../../../client/calls/images.ts';
import { familiarName, parseReference } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { openArchive } from '../../option-file.ts';
import { showProgress } from '../../output/progress.ts';
import { standardInput } from '../../terminal/input.ts';

export const command: Command = {
  paths: ['image import', 'import'],
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  short: 'Make an image of one layer from an archive of files',
  flags: [
    { long: 'change', short: 'c', kind: 'list', description: 'Dockerfile instruction to apply to it' },
    { long: 'message', short: 'm', kind: 'string', description: 'Comment of the image' },
    { long: 'platform', kind: 'string', description: 'Platform of the image (OS[/ARCH[/VARIANT]])' },
  ],
  args: { min: 1 },
  run: async ({ flags, args: [source = '', name] }, session) => {
    const reference = name === undefined ? undefined : parseReference(name);
    const messages = importArchive(
      session.engine,
      {
        source: isUrl(source) ? source : '-',
        repository: reference && familiarName(reference),
        tag: reference?.tag,
        message: flags.optional('message'),
        changes: flags.list('change'),
        platform: flags.optional('platform'),
      },
      archiveOf(source),
    );
    await showProgress(messages, session.out);
    return 0;
  },
};

const isUrl = (source: string): boolean => /^(https?|ftp):\/\//.test(source);

function archiveOf(source: string): AsyncIterable<Uint8Array> | undefined {
  if (source === '-') return standardInput().chunks();
  return isUrl(source) ? undefined : createReadStream('', { fd: openArchive(source) });
}
