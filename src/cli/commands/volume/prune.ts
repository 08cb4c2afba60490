import { prune } from '../../../client/calls/volumes.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';
import { prunedVolumes, reclaimedSpace } from '../../prune-report.ts';

export const command: Command = {
  paths: ['volume prune'],
  usage: '[OPTIONS]',
  short: 'Remove volumes that no container uses',
  flags: [{ long: 'all', short: 'a', kind: 'bool', description: 'Also those that have a name' }, ...pruneFlags],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const [all, dryRun] = [flags.bool('all'), flags.bool('dry-run')];
    const given = pruneFilters(session.config, parseFilterOptions(flags.list('filter')));
    if (all && 'all' in given)
      throw new CommandFailure('conflicting options: cannot specify both --all and --filter all=1', 1);
    const filters = all ? { ...given, all: ['true'] } : given;
    const warning = `This will remove ${all ? 'all' : 'anonymous'} local volumes not used by at least one container.`;
    if (!flags.bool('force') && !dryRun && !(await confirm(session, warning))) return 0;
    const pruned = await prune(session.engine, { filters, dryRun });
    await session.out.write(prunedVolumes(pruned, dryRun) + reclaimedSpace(pruned.SpaceReclaimed, dryRun));
    return 0;
  },
};
