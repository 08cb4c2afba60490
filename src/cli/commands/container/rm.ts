import { invalid, isKind, messageOf } from '../../../base/errors.ts';
import { remove } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { forEach } from '../../each.ts';

export const command: Command = {
  paths: ['container rm', 'container remove', 'rm'],
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  short: 'Remove containers',
  flags: [
    { long: 'force', short: 'f', kind: 'bool', description: 'Kill it first if it runs' },
    { long: 'link', short: 'l', kind: 'bool', description: 'Remove the link of that name' },
    { long: 'volumes', short: 'v', kind: 'bool', description: 'Remove its anonymous volumes too' },
  ],
  args: { min: 1 },
  run: ({ flags, args }, session) => {
    const options = { force: flags.bool('force'), link: flags.bool('link'), volumes: flags.bool('volumes') };
    return forEach(session, args, async (name) => {
      const bare = name.replace(/^\/+|\/+$/g, '');
      if (bare === '') throw invalid('container name cannot be empty');
      try {
        await remove(session.engine, bare, options);
        return name;
      } catch (error) {
        if (!options.force || !isKind(error, 'not-found')) throw error;
        await session.err.write(`${messageOf(error)}\n`); // what is gone already is no failure of --force
        return null;
      }
    });
  },
};
