import { prune } from '../../../client/calls/images.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { pruneFilters } from '../../prune-filters.ts';
import { pruneFlags } from '../../prune-flags.ts';

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
    const lines = (pruned.ImagesDeleted ?? []).map((one) =>
      one.Untagged === undefined ? `deleted: ${one.Deleted}\n` : `untagged: ${one.Untagged}\n`,
    );
    if (lines.length > 0)
      await session.out.write(`${dryRun ? 'Images to delete' : 'Deleted Images'}:\n${lines.join('')}\n`);
    const words = dryRun ? 'Total space to reclaim' : 'Total reclaimed space';
    await session.out.write(`${words}: ${humanSize(pruned.SpaceReclaimed)}\n`);
    return 0;
  },
};
