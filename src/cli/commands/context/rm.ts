import { invalid, messageOf } from '../../../base/errors.ts';
import { updateConfigFile } from '../../../client/config-writer.ts';
import { openContextStore } from '../../../client/contexts.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';

export const command: Command = {
  paths: ['context rm'],
  usage: 'CONTEXT [CONTEXT...]',
  short: 'Remove contexts',
  flags: [{ long: 'force', short: 'f', kind: 'bool', description: 'Also the one that is in use' }],
  args: { min: 1 },
  withoutEngine: true,
  run: async ({ flags, args }, session) => {
    const store = openContextStore(session.configFolder);
    const [force, failures] = [flags.bool('force'), [] as string[]];
    const remove = (name: string): void => {
      if (name === 'default') throw invalid('context "default" cannot be removed');
      if (!store.exists(name) && !force) throw invalid(`context "${name}" does not exist`);
      const current = session.config.currentContext === name;
      if (current && !force) throw invalid(`context "${name}" is in use, set -f flag to force remove`);
      if (current) updateConfigFile(session.configFolder, (config) => void delete config['currentContext']);
      store.remove(name);
    };
    for (const name of args) {
      try {
        remove(name);
        await session.out.write(`${name}\n`);
      } catch (error) {
        failures.push(messageOf(error));
      }
    }
    if (failures.length > 0) throw new CommandFailure(failures.join('\n'), 1);
    return 0;
  },
};
