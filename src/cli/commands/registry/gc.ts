import type { Command } from '../../command.ts';
import { runRegistryProgram } from './registry-program.ts';

export const command: Command = {
  paths: ['registry gc'],
  usage: '[OPTIONS] [CONFIG]',
  short: 'Remove from a registry what its retention rules do not keep, and blobs that nothing needs',
  flags: [
    { long: 'config', kind: 'string', description: 'Configuration file of the registry' },
    { long: 'dry-run', kind: 'bool', description: 'Only say what would be removed, and why' },
  ],
  args: { min: 0, max: 1 },
  withoutEngine: true,
  run: ({ flags, args }) => {
    const config = flags.optional('config');
    return runRegistryProgram([
      'gc',
      ...(config === undefined ? [] : ['--config', config]),
      ...(flags.bool('dry-run') ? ['--dry-run'] : []),
      ...(args.length > 0 ? ['--', ...args] : []),
    ]);
  },
};
