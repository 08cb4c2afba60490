import { command as containerCommit } from '../container/commit.ts';
import type { ComposeCommand } from './compose-command.ts';
import { delegate, passed } from './delegate.ts';
import { findInstance, indexFlag } from './find-instance.ts';

export const command: ComposeCommand = {
  name: 'commit',
  usage: '[OPTIONS] SERVICE [REPOSITORY[:TAG]]',
  short: "Make an image of a service's container",
  flags: [
    { long: 'author', short: 'a', kind: 'string', description: 'Author of the image (NAME <ADDRESS>)' },
    { long: 'change', short: 'c', kind: 'list', description: 'Dockerfile instruction to apply to it' },
    indexFlag,
    { long: 'message', short: 'm', kind: 'string', description: 'Comment of the image' },
    { long: 'pause', short: 'p', kind: 'bool', default: 'true', description: 'Hold the container meanwhile' },
  ],
  args: { min: 1, max: 2 },
  wouldDo: async ({ flags, args: [service = '', image] }, session, compose) => {
    const { name } = await findInstance(session, compose, service, flags.int('index'), false);
    return [`Container ${name}  Committed${image === undefined ? '' : ` as ${image}`}`];
  },
  run: async ({ flags, args: [service = '', image] }, session, compose) => {
    const instance = await findInstance(session, compose, service, flags.int('index'), false);
    const options = [
      ...passed('author', flags.optional('author')),
      ...flags.list('change').map((one) => `--change=${one}`),
      ...passed('message', flags.optional('message')),
      `--pause=${flags.bool('pause')}`,
    ];
    return await delegate(containerCommit, [...options, instance.id, ...(image === undefined ? [] : [image])], session);
  },
};
