import { list, tree } from '../../../client/calls/images.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import type { ParsedFlags } from '../../flags.ts';
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
    { long: 'tree', kind: 'bool', description: 'Show which images build on which' },
  ],
  args: { min: 0, max: 1 },
  run: async ({ flags, args: [name] }, session) => {
    if (flags.bool('tree')) return await printTree(flags, name, session);
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

/** All images, since a part of a tree has no roots: options that choose or format lines have no meaning for it. */
async function printTree(flags: ParsedFlags, name: string | undefined, session: Session): Promise<number> {
  for (const option of ['quiet', 'format', 'filter', 'digests']) {
    if (flags.given(option)) throw new CommandFailure(`--${option} is not yet supported with --tree`, 1);
  }
  if (name !== undefined) throw new CommandFailure('--tree shows all images: it takes no name', 1);
  const { renderTree } = await import('./tree.ts');
  await session.out.write(renderTree(await tree(session.engine), { truncate: !flags.bool('no-trunc') }));
  return 0;
}
