import { commit } from '../../../client/calls/containers.ts';
import { familiarName, parseReference } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';

export const command: Command = {
  paths: ['container commit', 'commit'],
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  short: "Make an image of a container's changes",
  flags: [
    { long: 'author', short: 'a', kind: 'string', description: 'Author of the image (NAME <ADDRESS>)' },
    { long: 'change', short: 'c', kind: 'list', description: 'Dockerfile instruction to apply to it' },
    { long: 'message', short: 'm', kind: 'string', description: 'Comment of the image' },
    { long: 'pause', short: 'p', kind: 'bool', default: 'true', description: 'Hold the container meanwhile' },
  ],
  args: { min: 1, max: 2 },
  run: async ({ flags, args: [container = '', name] }, session) => {
    const reference = name === undefined ? undefined : parseReference(name);
    const id = await commit(session.engine, container, {
      repository: reference && familiarName(reference),
      tag: reference?.tag,
      author: flags.optional('author'),
      comment: flags.optional('message'),
      pause: flags.bool('pause'),
      changes: flags.list('change'),
    });
    await session.out.write(`${id}\n`);
    return 0;
  },
};
