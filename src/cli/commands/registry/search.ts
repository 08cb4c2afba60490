import type { SearchResult } from '../../../api/types/registry.ts';
import { search } from '../../../client/calls/registry.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import { defaultDomain } from '../../../formats/reference.ts';
import type { Command } from '../../command.ts';
import { filterFlag, tableFormatFlag } from '../../format-flag.ts';
import { type Listing, printListing } from '../../output/listing.ts';
import { registryLogin } from '../../registry-login.ts';

export const command: Command = {
  paths: ['search'],
  usage: '[OPTIONS] TERM',
  short: 'Search the index of a registry for images',
  flags: [
    filterFlag,
    tableFormatFlag,
    { long: 'limit', kind: 'int', description: 'Most results to show, up to 100 (default 25)' },
    { long: 'no-trunc', kind: 'bool', description: 'Show whole descriptions' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [term = ''] }, session) => {
    const [first = ''] = term.includes('/') ? term.split('/', 1) : [];
    const domain = /[.:]/.test(first) || first === 'localhost' ? first : defaultDomain;
    const found = await search(session.engine, {
      term,
      limit: flags.int('limit'),
      filters: parseFilterOptions(flags.list('filter')),
      auth: await registryLogin(session, domain),
    });
    const format = flags.string('format');
    await printListing(session.out, format, searchListing(!flags.bool('no-trunc'), format === 'json'), found);
    return 0;
  },
};

const widest = 45;

/** The fields of `tug search`, with Docker's names and headers. */
function searchListing(truncate: boolean, asJson: boolean): Listing<SearchResult> {
  const mark = (value: boolean): string => (asJson ? String(value) : value ? '[OK]' : '');
  return {
    columns: ['Name', 'Description', 'StarCount', 'IsOfficial'],
    fields: {
      Description: { header: 'DESCRIPTION', value: ({ description }) => shorten(description, truncate) },
      IsOfficial: { header: 'OFFICIAL', value: ({ is_official }) => mark(is_official) },
      Name: { header: 'NAME', value: ({ name }) => name },
      StarCount: { header: 'STARS', value: ({ star_count }) => String(star_count) },
    },
  };
}

/** On one line, since it comes from strangers without control characters, and no longer than a table has room for. */
function shorten(description: string, truncate: boolean): string {
  const characters = [...description.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')];
  if (!truncate || characters.length <= widest) return characters.join('');
  return `${characters.slice(0, widest - 1).join('')}…`;
}
