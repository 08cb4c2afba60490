import { dataUsage } from '../../../client/calls/system.ts';
import type { Command } from '../../command.ts';
import { tableFormatFlag } from '../../format-flag.ts';
import { printListing } from '../../output/listing.ts';
import { byName, volumeListing } from './listing.ts';

export const command: Command = {
  paths: ['volume df'],
  usage: '[OPTIONS]',
  short: 'Show the room that volumes take, and how many containers use them',
  flags: [tableFormatFlag],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const volumes = (await dataUsage(session.engine, true)).VolumeUsage?.Items ?? [];
    const listing = { ...volumeListing, columns: ['Name', 'Driver', 'Links', 'Size'] };
    await printListing(session.out, flags.string('format'), listing, volumes.toSorted(byName));
    return 0;
  },
};
