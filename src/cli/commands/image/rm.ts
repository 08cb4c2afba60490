import { isKind, messageOf } from '../../../base/errors.ts';
import { remove } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { platformText } from '../../platform-option.ts';

export const command: Command = {
  paths: ['image rm', 'image remove', 'rmi'],
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  short: 'Remove images',
  flags: [
    { long: 'force', short: 'f', kind: 'bool', description: 'Remove it also where that leaves containers without it' },
    { long: 'no-prune', kind: 'bool', description: 'Keep parents that have no name' },
    {
      long: 'platform',
      kind: 'list',
      value: 'strings',
      description: 'Remove only what is for this platform (OS/ARCH[/VARIANT])',
    },
  ],
  args: { min: 1 },
  run: async ({ flags, args }, session) => {
    const force = flags.bool('force');
    const noPrune = flags.bool('no-prune');
    const platforms = flags.list('platform').flatMap((text) => text.split(',').map(platformText));
    const failures: string[] = [];
    let fatal = false;
    for (const name of args) {
      try {
        const removed = await remove(session.engine, name, { force, noPrune, platforms });
        const lines = removed.map((one) => (one.Deleted ? `Deleted: ${one.Deleted}\n` : `Untagged: ${one.Untagged}\n`));
        await session.out.write(lines.join(''));
      } catch (error) {
        if (!isKind(error, 'not-found')) fatal = true;
        failures.push(messageOf(error));
      }
    }
    if (failures.length === 0) return 0;
    if (!force || fatal) throw new CommandFailure(failures.join('\n'), 1);
    await session.err.write(`${failures.join('\n')}\n`);
    return 0;
  },
};
