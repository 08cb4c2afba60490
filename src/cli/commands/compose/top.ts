import { top } from '../../../client/calls/stats.ts';
import { isRunning, observeProject } from '../../../compose/observe.ts';
import { renderTable } from '../../output/table.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'top',
  usage: '[SERVICE...]',
  short: 'Show the processes of the containers',
  flags: [],
  args: { min: 0 },
  run: async ({ args }, session, compose) => {
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    const all = await observeProject(session.engine, name);
    const shown = all.filter((one) => isRunning(one) && (args.length === 0 || args.includes(one.service)));
    const tables = await Promise.all(
      shown.map(async (instance) => ({ instance, processes: await top(session.engine, instance.id, '') })),
    );
    const rows = tables.flatMap(({ instance, processes }) =>
      (processes.Processes ?? []).map((process) => [instance.service, String(instance.number), ...process]),
    );
    const titles = tables[0]?.processes.Titles ?? [];
    if (rows.length > 0) await session.out.write(renderTable([['SERVICE', '#', ...titles], ...rows], { narrowest: 4 }));
    return 0;
  },
};
