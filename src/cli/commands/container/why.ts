import { why } from '../../../client/calls/why.ts';
import type { Command } from '../../command.ts';
import { formatFlag } from '../../format-flag.ts';
import { describeWhy } from './why-text.ts';

export const command: Command = {
  paths: ['container why', 'why'],
  usage: '[OPTIONS] CONTAINER',
  short: 'Tell how a container came to its state',
  flags: [formatFlag('f')],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [container = ''] }, session) => {
    const facts = await why(session.engine, container);
    const format = flags.string('format');
    if (format === '') {
      await session.out.write(describeWhy(facts, new Date()));
      return 0;
    }
    const { formatOne } = await import('../../output/template.ts');
    await session.out.write(formatOne(format, facts));
    return 0;
  },
};
