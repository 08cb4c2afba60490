import { disconnect } from '../../../client/calls/networks.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['network disconnect'],
  usage: '[OPTIONS] NETWORK CONTAINER',
  short: 'Take a container out of a network',
  flags: [{ long: 'force', short: 'f', kind: 'bool', description: 'Also one that is there no more' }],
  args: { min: 2, max: 2 },
  run: async ({ flags, args: [network = '', container = ''] }, session) => {
    await disconnect(session.engine, network, container, flags.bool('force'));
    return 0;
  },
};
