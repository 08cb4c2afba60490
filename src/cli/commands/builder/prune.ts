import { pruneBuilds } from '../../../client/calls/build.ts';
import { parseBytes } from '../../../formats/bytes.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { confirm } from '../../confirm.ts';
import { reclaimedSpace } from '../../prune-report.ts';

export const command: Command = {
  paths: ['builder prune'],
  usage: '',
  short: 'Remove what is not used of the build cache',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Also what images have too' },
    {
      long: 'filter',
      kind: 'list',
      value: 'filter',
      description: 'Only what meets these conditions (until=24h, type=exec.cachemount, id=ID)',
    },
    { long: 'force', short: 'f', kind: 'bool', description: 'Do not ask' },
    { long: 'keep-storage', kind: 'string', value: 'bytes', description: 'So much of it stays, the latest used' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const all = flags.bool('all');
    const keep = flags.optional('keep-storage');
    const filters = parseFilterOptions(flags.list('filter'));
    const warning = `WARNING! This will remove ${all ? 'all build cache' : 'all dangling build cache'}.`;
    if (!flags.bool('force') && !(await confirm(session, warning.replace('WARNING! ', '')))) return 0;
    const options = { all, keep: keep === undefined ? 0 : parseBytes(keep), filters };
    const { CachesDeleted, SpaceReclaimed } = await pruneBuilds(session.engine, options);
    const lines = CachesDeleted.length === 0 ? '' : `Deleted build cache objects:\n${CachesDeleted.join('\n')}\n\n`;
    await session.out.write(lines + reclaimedSpace(SpaceReclaimed, false));
    return 0;
  },
};
