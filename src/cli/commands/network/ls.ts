import { list } from '../../../client/calls/networks.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { filterFlag, tableFormatFlag } from '../../format-flag.ts';
import { printListing } from '../../output/listing.ts';
import { byName } from '../volume/listing.ts';
import { networkListing } from './listing.ts';

export const command: Command = {
  paths: ['network ls', 'network list'],
  usage: '[OPTIONS]',
  short: 'List networks',
  flags: [
    filterFlag,
    tableFormatFlag,
    { long: 'no-trunc', kind: 'bool', description: 'Show ids whole' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Show only ids' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const networks = await list(session.engine, parseFilterOptions(flags.list('filter')));
    networks.sort(byName);
    const listing = networkListing({ truncate: !flags.bool('no-trunc') });
    const quiet = flags.bool('quiet');
    const format = flags.string('format') || (quiet ? '' : (session.config.networksFormat ?? ''));
    if (quiet && (format === '' || format === 'table')) {
      await session.out.write(networks.map((network) => `${listing.fields['ID']?.value(network)}\n`).join(''));
      return 0;
    }
    await printListing(session.out, format, listing, networks);
    return 0;
  },
};
