import { invalid } from '../../../base/errors.ts';
import { labelNames } from '../../../compose/labels.ts';
import { observeProject } from '../../../compose/observe.ts';
import { projectVolumes } from '../../../compose/project-volumes.ts';
import { goJson } from '../../output/listing.ts';
import { renderTable } from '../../output/table.ts';
import type { ComposeCommand } from './compose-command.ts';

export const command: ComposeCommand = {
  name: 'volumes',
  usage: '[OPTIONS] [SERVICE...]',
  short: "List the project's volumes",
  flags: [
    { long: 'format', kind: 'string', default: 'table', description: 'table or json' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Only show names' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    const [volumes, instances] = await Promise.all([
      projectVolumes(session.engine, name),
      observeProject(session.engine, name),
    ]);
    const used = new Set(
      instances
        .filter(({ service }) => args.includes(service))
        .flatMap(({ summary }) => (summary?.Mounts ?? []).map((mount) => mount.Name)),
    );
    const shown = args.length === 0 ? volumes : volumes.filter(({ Name }) => used.has(Name));
    const format = flags.string('format');
    if (flags.bool('quiet')) await session.out.write(shown.map(({ Name }) => `${Name}\n`).join(''));
    else if (format === 'json')
      await session.out.write(
        shown
          .map(
            ({ Name, Driver, Labels, Mountpoint }) =>
              `${goJson({ Driver, Labels, Mountpoint, Name, Volume: Labels?.[labelNames.volume] ?? '' })}\n`,
          )
          .join(''),
      );
    else if (format !== 'table') throw invalid(`unsupported format: ${format}, it is table or json`);
    else
      await session.out.write(
        renderTable([['DRIVER', 'VOLUME NAME'], ...shown.map(({ Name, Driver }) => [Driver, Name])]),
      );
    return 0;
  },
};
