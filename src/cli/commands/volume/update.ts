import { inspect } from '../../../client/calls/volumes.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { availabilityFlag } from './cluster.ts';

/** There are cluster volumes in a swarm only, and this engine is in none. */
export const command: Command = {
  paths: ['volume update'],
  usage: '[OPTIONS] [VOLUME]',
  short: 'Change a volume of a swarm',
  flags: [availabilityFlag],
  args: { min: 1, max: 1 },
  run: async ({ args: [name = ''] }, session) => {
    await inspect(session.engine, name);
    throw new CommandFailure('can only update cluster volumes', 1);
  },
};
