import { list } from '../../../client/calls/volumes.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { filterFlag, tableFormatFlag } from '../../format-flag.ts';
import { printListing } from '../../output/listing.ts';
import { byName, volumeListing } from './listing.ts';

export const command: Command = {
  paths: ['volume ls', 'volume list'],
  usage: '[OPTIONS]',
  short: 'List volumes',
  flags: [
    { long: 'cluster', kind: 'bool', description: 'Only volumes of a swarm' },
    filterFlag,
    tableFormatFlag,
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Show only names' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const { Volumes } = await list(session.engine, parseFilterOptions(flags.list('filter')));
    const all = Volumes ?? [];
    // a cluster volume has a part of its own in the answer, which this engine never gives
    const volumes = flags.bool('cluster') ? all.filter((one) => 'ClusterVolume' in one) : all;
    volumes.sort(byName);
    const quiet = flags.bool('quiet');
    const format = flags.string('format') || (quiet ? '' : (session.config.volumesFormat ?? ''));
    if (quiet && (format === '' || format === 'table')) {
      await session.out.write(volumes.map(({ Name }) => `${Name}\n`).join(''));
      return 0;
    }
    const columns = ['Name', 'Group', 'Driver', 'Availability', 'Status'];
    await printListing(
      session.out,
      format,
      flags.bool('cluster') ? { ...volumeListing, columns } : volumeListing,
      volumes,
    );
    return 0;
  },
};
