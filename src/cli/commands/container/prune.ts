import { prune } from '../../../client/calls/containers.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';

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
    const ids = pruned.ContainersDeleted ?? [];
    if (ids.length > 0)
      await session.out.write(`${dryRun ? 'Containers to delete' : 'Deleted Containers'}:\n${ids.join('\n')}\n\n`);
    const words = dryRun ? 'Total space to reclaim' : 'Total reclaimed space';
    await session.out.write(`${words}: ${humanSize(pruned.SpaceReclaimed)}\n`);
    return 0;
  },
};
