import { list } from '../../../client/calls/images.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command } from '../../command.ts';
import { filterFlag, tableFormatFlag } from '../../format-flag.ts';
import { printListing } from '../../output/listing.ts';
import { imageListing, imageRows } from './listing.ts';

export const command: Command = {
  paths: ['image ls', 'image list', 'images'],
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  short: 'List images',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Show intermediate images too' },
    { long: 'digests', kind: 'bool', description: 'Show digests' },
    filterFlag,
    tableFormatFlag,
    { long: 'no-trunc', kind: 'bool', description: 'Show whole ids' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Show only ids' },
  ],
  args: { min: 0, max: 1 },
  run: async ({ flags, args: [name] }, session) => {
    const quiet = flags.bool('quiet');
    const format = flags.string('format') || (quiet ? '' : (session.config.imagesFormat ?? ''));
    const filters = parseFilterOptions([...flags.list('filter'), ...(name === undefined ? [] : [`reference=${name}`])]);
    const digests = flags.bool('digests') || /\.Digest\b/.test(format);
    const images = await list(session.engine, { all: flags.bool('all'), digests, filters });
    const listing = imageListing({ truncate: !flags.bool('no-trunc'), digests: flags.bool('digests') });
    const rows = images.flatMap((image) => imageRows(image, digests));
    if (quiet && (format === '' || format === 'table')) {
      await session.out.write(rows.map((row) => `${listing.fields['ID']!.value(row)}\n`).join(''));
      return 0;
    }
    await printListing(session.out, format, listing, rows);
    return 0;
  },
};
