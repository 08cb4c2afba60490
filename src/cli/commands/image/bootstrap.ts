import { bootstrap } from '../../../client/calls/images.ts';
import type { Command } from '../../command.ts';
import { readOptionFile } from '../../option-file.ts';
import { showProgress } from '../../output/progress.ts';

export const command: Command = {
  paths: ['image bootstrap'],
  usage: '[OPTIONS] DISTRIBUTION:RELEASE',
  short: "Make a base image from a distribution's own packages",
  flags: [
    { long: 'include', kind: 'list', description: 'More packages, separated by commas' },
    { long: 'mirror', kind: 'string', description: "Where packages come from, if not where the host's own do" },
    { long: 'tag', short: 't', kind: 'string', description: 'Name of the image, if not DISTRIBUTION:RELEASE' },
    { long: 'template', kind: 'string', description: 'Script that the engine fills the root folder with, as root' },
    { long: 'variant', kind: 'string', description: 'Choice of packages, such as minbase' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [name = ''] }, session) => {
    const include = flags.list('include').flatMap((names) => names.split(',').filter(Boolean));
    const template = flags.optional('template');
    const messages = bootstrap(session.engine, {
      Name: name,
      Variant: flags.optional('variant'),
      Include: include,
      Template: template === undefined ? undefined : readOptionFile(template).toString(),
      Tag: flags.optional('tag'),
      Mirror: flags.optional('mirror'),
    });
    await showProgress(messages, session.out);
    return 0;
  },
};
