import { prune } from '../../../client/calls/networks.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';
import { prunedNetworks } from '../../prune-report.ts';

const warning = 'This will remove all custom networks not used by at least one container.';

export const command: Command = {
  paths: ['network prune'],
  usage: '[OPTIONS]',
  short: 'Remove networks that no container uses',
  flags: pruneFlags,
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const dryRun = flags.bool('dry-run');
    const filters = pruneFilters(session.config, parseFilterOptions(flags.list('filter')));
    if (!flags.bool('force') && !dryRun && !(await confirm(session, warning))) return 0;
    await session.out.write(prunedNetworks(await prune(session.engine, { filters, dryRun }), dryRun));
    return 0;
  },
};
