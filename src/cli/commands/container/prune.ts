import { prune } from '../../../client/calls/containers.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';
import { prunedContainers, reclaimedSpace } from '../../prune-report.ts';

export const command: Command = {
  paths: ['container prune'],
  usage: '[OPTIONS]',
  short: 'Remove containers that do not run',
  flags: pruneFlags,
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const dryRun = flags.bool('dry-run');
    const filters = pruneFilters(session.config, parseFilterOptions(flags.list('filter')));
    const warning = 'This will remove all stopped containers.';
    if (!flags.bool('force') && !dryRun && !(await confirm(session, warning))) return 0;
    const pruned = await prune(session.engine, { filters, dryRun });
    await session.out.write(prunedContainers(pruned, dryRun) + reclaimedSpace(pruned.SpaceReclaimed, dryRun));
    return 0;
  },
};
