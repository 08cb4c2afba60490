import { list } from '../../../client/calls/containers.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { filterFlag, tableFormatFlag } from '../../format-flag.ts';
import { printListing } from '../../output/listing.ts';
import { containerListing } from './listing.ts';

export const command: Command = {
  paths: ['container ls', 'container list', 'container ps', 'ps'],
  usage: '[OPTIONS]',
  short: 'List containers',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Show stopped containers too' },
    filterFlag,
    tableFormatFlag,
    { long: 'last', short: 'n', kind: 'int', default: '-1', description: 'Show the N newest, running or not' },
    { long: 'latest', short: 'l', kind: 'bool', description: 'Show the newest, running or not' },
    { long: 'no-trunc', kind: 'bool', description: 'Show whole ids and commands' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Show only ids' },
    { long: 'size', short: 's', kind: 'bool', description: 'Show the sizes of their files' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const last = flags.bool('latest') ? 1 : flags.int('last');
    const quiet = flags.bool('quiet');
    const format = flags.string('format') || (quiet ? '' : (session.config.psFormat ?? ''));
    const size = flags.bool('size') || /\.Size\b/.test(format);
    const containers = await list(session.engine, {
      all: flags.bool('all') || last > 0,
      limit: last > 0 ? last : undefined,
      size,
      filters: parseFilterOptions(flags.list('filter')),
    });
    const listing = containerListing({ truncate: !flags.bool('no-trunc'), size: flags.bool('size'), quiet });
    if (quiet && (format === '' || format === 'table')) {
      await session.out.write(containers.map((container) => `${listing.fields['ID']!.value(container)}\n`).join(''));
      return 0;
    }
    await printListing(session.out, format, listing, containers);
    return 0;
  },
};
