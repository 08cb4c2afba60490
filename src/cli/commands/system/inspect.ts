import { isKind } from '../../../base/errors.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { formatFlag } from '../../format-flag.ts';
import { type Find, findContainer, findImage, findNetwork, findVolume, inspectAll } from '../../inspect-all.ts';

const finders: Readonly<Record<string, Find>> = {
  container: findContainer,
  image: findImage,
  network: findNetwork,
  volume: findVolume,
};

export const command: Command = {
  paths: ['inspect'],
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  short: 'Show everything about containers, images, networks or volumes',
  flags: [
    formatFlag('f'),
    { long: 'size', short: 's', kind: 'bool', description: 'Show the sizes of containers' },
    { long: 'type', kind: 'string', description: 'Kind of the objects: container, image, network or volume' },
  ],
  args: { min: 1 },
  run: ({ flags, args }, session) => {
    const type = flags.string('type');
    if (flags.given('type') && type === '')
      throw new CommandFailure('type is empty: a value should be provided to --type flag', 1);
    const finder = type === '' ? findAny : finders[type];
    if (!finder)
      throw new CommandFailure(
        `unknown type: ${JSON.stringify(type)}: must be one of "container", "image", "network", "volume"`,
        1,
      );
    return inspectAll(session, args, flags.string('format'), (one, name) => finder(one, name, flags.bool('size')));
  },
};

/** The first kind that knows the name. @throws not-found when none does. */
async function findAny(session: Session, name: string, size: boolean): Promise<unknown> {
  for (const find of Object.values(finders)) {
    try {
      return await find(session, name, size);
    } catch (error) {
      if (!isKind(error, 'not-found')) throw error;
    }
  }
  throw new CommandFailure(`Error: No such object: ${name}`, 1);
}
