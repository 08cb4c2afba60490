import { updateConfigFile } from '../../../client/config-writer.ts';
import { openContextStore } from '../../../client/contexts.ts';
import type { Command } from '../../command.ts';
import { overridden } from './override.ts';

export const command: Command = {
  paths: ['context use'],
  usage: 'CONTEXT',
  short: 'Choose the context that commands work with',
  flags: [],
  args: { min: 1, max: 1 },
  withoutEngine: true,
  run: async ({ args: [name = ''] }, session) => {
    if (name !== 'default') openContextStore(session.configFolder).read(name);
    updateConfigFile(session.configFolder, (config) => {
      if (name === 'default') delete config['currentContext'];
      else config['currentContext'] = name;
    });
    await session.out.write(`${name}\n`);
    await session.err.write(`Current context is now "${name}"\n`);
    if (name !== 'default') await session.err.write(overridden(session, `"${name}"`));
    return 0;
  },
};
