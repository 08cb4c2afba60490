import { invalid } from '../../../base/errors.ts';
import { tugVersion } from '../../../base/version.ts';
import type { ComposeCommand } from './compose-command.ts';

export const command: ComposeCommand = {
  name: 'version',
  usage: '[OPTIONS]',
  short: 'Show the version',
  flags: [
    { long: 'format', short: 'f', kind: 'string', default: 'pretty', description: 'pretty or json' },
    { long: 'short', kind: 'bool', description: 'Only the number' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const format = flags.string('format');
    if (format !== 'pretty' && format !== 'json') throw invalid(`unsupported format: ${format}, it is pretty or json`);
    const text = flags.bool('short')
      ? tugVersion
      : format === 'json'
        ? JSON.stringify({ version: tugVersion })
        : `tug compose version ${tugVersion}`;
    await session.out.write(`${text}\n`);
    return 0;
  },
};
