import { messageOf } from '../../../base/errors.ts';
import { eraseLogin, serverOf } from '../../../client/logins.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['logout'],
  usage: '[SERVER]',
  short: 'Log out from a registry',
  flags: [],
  args: { min: 0, max: 1 },
  run: async ({ args: [argument = ''] }, session) => {
    const server = serverOf(argument);
    const { config } = session;
    await session.out.write(`Removing login credentials for ${server}\n`);
    try {
      await eraseLogin(session.configFolder, config, server);
    } catch (error) {
      await session.err.write(`WARNING: could not erase credentials:\n${server}: ${messageOf(error)}\n`);
      return 1;
    }
    return 0;
  },
};
