import { dataUsage } from '../../../client/calls/system.ts';
import type { Command } from '../../command.ts';
import { tableFormatFlag } from '../../format-flag.ts';
import { printListing } from '../../output/listing.ts';
import { printDetails } from './df-details.ts';
import { kindListing, kindRows } from './df-listing.ts';

export const command: Command = {
  paths: ['system df'],
  usage: '[OPTIONS]',
  short: 'Show what takes room on the disk',
  flags: [tableFormatFlag, { long: 'verbose', short: 'v', kind: 'bool', description: 'Show every object' }],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const format = flags.string('format');
    if (flags.bool('verbose')) await printDetails(session.out, format, await dataUsage(session.engine, true));
    else await printListing(session.out, format, kindListing, kindRows(await dataUsage(session.engine, false)));
    return 0;
  },
};
