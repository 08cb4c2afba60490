import { isKind } from '../../../base/errors.ts';
import { inspect } from '../../../client/calls/images.ts';
import { instancesOf } from '../../../compose/lifecycle.ts';
import type { Instance } from '../../../compose/observe.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { familiarName, parseReference, withDefaultTag } from '../../../formats/reference.ts';
import type { Session } from '../../command.ts';
import { renderTable } from '../../output/table.ts';
import type { ComposeCommand } from './compose-command.ts';

export const command: ComposeCommand = {
  name: 'images',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'List the images of the containers',
  flags: [
    { long: 'format', kind: 'string', default: 'table', description: 'table or json' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Only show ids' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const instances = await instancesOf(session, await compose.name(), args);
    const rows = await Promise.all(instances.map((instance) => rowOf(session, instance)));
    if (flags.bool('quiet'))
      await session.out.write([...new Set(rows.map(({ ID }) => `${ID.replace('sha256:', '')}\n`))].join(''));
    else if (flags.string('format') === 'json') await session.out.write(`${JSON.stringify(rows)}\n`);
    else
      await session.out.write(
        renderTable([
          ['CONTAINER', 'REPOSITORY', 'TAG', 'PLATFORM', 'IMAGE ID', 'SIZE'],
          ...rows.map((row) => [
            row.ContainerName,
            row.Repository,
            row.Tag,
            row.Platform,
            row.ID.replace('sha256:', '').slice(0, 12),
            humanSize(row.Size, 3),
          ]),
        ]),
      );
    return 0;
  },
};

async function rowOf({ engine }: Session, instance: Instance) {
  const found = await inspect(engine, instance.imageId).catch((error: unknown) => {
    if (isKind(error, 'not-found')) return undefined;
    throw error;
  });
  const reference = /^sha256:|^[0-9a-f]{12,64}$/.test(instance.image)
    ? undefined
    : withDefaultTag(parseReference(instance.image));
  return {
    ID: instance.imageId,
    ContainerName: instance.name,
    Repository: reference ? familiarName(reference) : '<none>',
    Tag: reference?.tag ?? '<none>',
    Platform: found ? `${found.Os}/${found.Architecture}` : '',
    Size: found?.Size ?? 0,
  };
}
