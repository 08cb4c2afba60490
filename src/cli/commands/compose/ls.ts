import { invalid } from '../../../base/errors.ts';
import { labelNames } from '../../../compose/labels.ts';
import { type Instance, isRunning, observeAll } from '../../../compose/observe.ts';
import { renderTable } from '../../output/table.ts';
import type { ComposeCommand } from './compose-command.ts';

interface Row {
  readonly Name: string;
  readonly Status: string;
  readonly ConfigFiles: string;
}

export const command: ComposeCommand = {
  name: 'ls',
  usage: '[OPTIONS]',
  short: 'List the projects that have containers',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Show projects that are stopped too' },
    { long: 'filter', kind: 'list', description: 'Show only what has this property (name=PATTERN)' },
    { long: 'format', kind: 'string', default: 'table', description: 'table or json' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Only show names' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const patterns = flags.list('filter').map(nameFilter);
    const groups = Map.groupBy(
      (await observeAll(session.engine)).filter(({ oneOff }) => !oneOff),
      ({ project }) => project,
    );
    const rows = [...groups]
      .filter(
        ([name, instances]) =>
          (flags.bool('all') || instances.some(isRunning)) && patterns.every((one) => one.test(name)),
      )
      .map(([name, instances]) => rowOf(name, flags.bool('all') ? instances : instances.filter(isRunning)))
      .toSorted((left, right) => (left.Name < right.Name ? -1 : 1));
    const format = flags.string('format');
    if (flags.bool('quiet')) await session.out.write(rows.map(({ Name }) => `${Name}\n`).join(''));
    else if (format === 'json') await session.out.write(`${JSON.stringify(rows)}\n`);
    else if (format !== 'table' && format !== '') throw invalid(`unsupported format: ${format}, it is table or json`);
    else
      await session.out.write(
        renderTable([
          ['NAME', 'STATUS', 'CONFIG FILES'],
          ...rows.map((row) => [row.Name, row.Status, row.ConfigFiles]),
        ]),
      );
    return 0;
  },
};

function nameFilter(text: string): RegExp {
  const [key = '', value = ''] = text.split('=');
  if (key !== 'name') throw invalid(`unknown filter: ${key}`);
  try {
    return new RegExp(value);
  } catch (error) {
    throw invalid(`invalid name filter ${JSON.stringify(value)}`, { cause: error });
  }
}

function rowOf(name: string, instances: readonly Instance[]): Row {
  const counts = Map.groupBy(instances, ({ state }) => state);
  const files = new Set(instances.flatMap(({ labels }) => (labels[labelNames.configFiles] ?? '').split(',')));
  return {
    Name: name,
    Status: [...counts]
      .map(([state, list]) => `${state}(${list.length})`)
      .toSorted()
      .join(', '),
    ConfigFiles: [...files].filter((file) => file !== '').join(','),
  };
}
