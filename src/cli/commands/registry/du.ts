import type { Command } from '../../command.ts';
import { runRegistryProgram } from './registry-program.ts';

export const command: Command = {
  paths: ['registry du'],
  usage: '[OPTIONS] [PATTERN...]',
  short: 'Show how much the repositories of a registry take',
  flags: [
    { long: 'config', kind: 'string', description: 'Configuration file of the registry' },
    { long: 'json', kind: 'bool', description: 'One JSON object for each repository' },
  ],
  args: { min: 0 },
  withoutEngine: true,
  run: ({ flags, args }) => {
    const config = flags.optional('config');
    return runRegistryProgram([
      'du',
      ...(config === undefined ? [] : ['--config', config]),
      ...(flags.bool('json') ? ['--json'] : []),
      ...(args.length > 0 ? ['--', ...args] : []),
    ]);
  },
};
