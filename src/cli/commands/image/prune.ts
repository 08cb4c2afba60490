import { prune } from '../../../client/calls/images.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';
import { prunedImages, reclaimedSpace } from '../../prune-report.ts';

export const command: Command = {
  paths: ['image prune'],
  usage: '[OPTIONS]',
  short: 'Remove images that no container uses',
  flags: [{ long: 'all', short: 'a', kind: 'bool', description: 'Also those that have a name' }, ...pruneFlags],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const all = flags.bool('all');
    const dryRun = flags.bool('dry-run');
    const filters = pruneFilters(session.config, parseFilterOptions(flags.list('filter')));
    const warning = all
      ? 'This will remove all images without at least one container associated to them.'
      : 'This will remove all dangling images.';
    if (!flags.bool('force') && !dryRun && !(await confirm(session, warning))) return 0;
    const pruned = await prune(session.engine, { filters: { ...filters, dangling: [String(!all)] }, dryRun });
    await session.out.write(prunedImages(pruned, dryRun) + reclaimedSpace(pruned.SpaceReclaimed, dryRun));
    return 0;
  },
};
