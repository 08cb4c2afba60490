import type { Command } from '../../command.ts';
import { runRegistryProgram } from './registry-program.ts';

export const command: Command = {
  paths: ['registry serve'],
  usage: '[OPTIONS] [CONFIG]',
  short: 'Serve a registry to push to and pull from',
  flags: [
    {
      long: 'config',
      kind: 'string',
      description: "Configuration file, in the format of CNCF distribution's registry",
    },
    { long: 'addr', kind: 'string', description: 'Address to listen at (default 127.0.0.1:5000)' },
    {
      long: 'insecure-no-auth',
      kind: 'bool',
      description: 'Listen beyond this machine though anybody may push and pull',
    },
  ],
  args: { min: 0, max: 1 },
  withoutEngine: true,
  run: ({ flags, args }) => {
    const [config, addr] = [flags.optional('config'), flags.optional('addr')];
    return runRegistryProgram([
      'serve',
      ...(config === undefined ? [] : ['--config', config]),
      ...(addr === undefined ? [] : ['--addr', addr]),
      ...(flags.bool('insecure-no-auth') ? ['--insecure-no-auth'] : []),
      ...(args.length > 0 ? ['--', ...args] : []),
    ]);
  },
};
