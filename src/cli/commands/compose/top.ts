import { invalid } from '../../../base/errors.ts';
import { top } from '../../../client/calls/stats.ts';
import { isRunning, observeProject } from '../../../compose/observe.ts';
import { renderTable } from '../../output/table.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'top',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Show the processes of the containers',
  flags: [{ long: 'format', kind: 'string', default: 'table', description: 'table or json' }],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const format = flags.string('format');
    if (format !== 'table' && format !== 'json') throw invalid(`unsupported format: ${format}, it is table or json`);
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    const all = await observeProject(session.engine, name);
    const shown = all.filter((one) => isRunning(one) && (args.length === 0 || args.includes(one.service)));
    const tables = await Promise.all(
      shown.map(async (instance) => ({ instance, processes: await top(session.engine, instance.id, '') })),
    );
    if (format === 'json') {
      const all = tables.map(({ instance: { service, number, name: container }, processes }) => {
        const byTitle = (values: readonly string[]) => values.map((value, at) => [processes.Titles?.[at] ?? '', value]);
        const list = (processes.Processes ?? []).map((values) => Object.fromEntries(byTitle(values)));
        return { service, number, container, processes: list };
      });
      await session.out.write(`${JSON.stringify(all)}\n`);
      return 0;
    }
    const rows = tables.flatMap(({ instance, processes }) =>
      (processes.Processes ?? []).map((process) => [instance.service, String(instance.number), ...process]),
    );
    const titles = tables[0]?.processes.Titles ?? [];
    if (rows.length > 0) await session.out.write(renderTable([['SERVICE', '#', ...titles], ...rows], { narrowest: 4 }));
    return 0;
  },
};
