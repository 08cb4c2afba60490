import type { HistoryItem } from '../../../api/types/image.ts';
import { shortId } from '../../../base/ids.ts';
import { history } from '../../../client/calls/images.ts';
import { humanSize } from '../../../formats/bytes.ts';
import { ellipsis } from '../../../formats/command-line.ts';
import { humanDuration } from '../../../formats/duration.ts';
import type { Command } from '../../command.ts';
import { tableFormatFlag } from '../../format-flag.ts';
import { type Listing, printListing } from '../../output/listing.ts';
import { localTimeSeconds } from '../../output/text.ts';
import { platformJson } from '../../platform-option.ts';

export const command: Command = {
  paths: ['image history', 'history'],
  usage: '[OPTIONS] IMAGE',
  short: 'Show how an image was made',
  flags: [
    tableFormatFlag,
    { long: 'human', short: 'H', kind: 'bool', default: 'true', description: 'Print sizes and times for people' },
    { long: 'no-trunc', kind: 'bool', description: 'Show whole ids and commands' },
    { long: 'platform', kind: 'string', description: 'Only if it is for this platform (OS[/ARCH[/VARIANT]])' },
    { long: 'quiet', short: 'q', kind: 'bool', description: 'Show only ids' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [image = ''] }, session) => {
    const platform = platformJson(flags.optional('platform'));
    const steps = await history(session.engine, image, platform);
    const listing = historyListing({ truncate: !flags.bool('no-trunc'), human: flags.bool('human') });
    const format = flags.string('format');
    if (flags.bool('quiet') && (format === '' || format === 'table')) {
      await session.out.write(steps.map((step) => `${listing.fields['ID']!.value(step)}\n`).join(''));
      return 0;
    }
    await printListing(session.out, format, listing, steps);
    return 0;
  },
};

const longestCommand = 45;

/** The fields of `tug history`, with Docker's names and headers. */
function historyListing({ truncate, human }: { truncate: boolean; human: boolean }): Listing<HistoryItem> {
  const since = (step: HistoryItem) =>
    step.Created <= 0 ? 'N/A' : `${humanDuration((Date.now() / 1000 - step.Created) * 1e9)} ago`;
  const at = (step: HistoryItem) => localTimeSeconds(step.Created);
  return {
    columns: ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'],
    fields: {
      Comment: { header: 'COMMENT', value: (step) => step.Comment },
      CreatedAt: { header: 'CREATED AT', value: at },
      CreatedBy: {
        header: 'CREATED BY',
        value: ({ CreatedBy }) => {
          const command = CreatedBy.replaceAll('\t', ' ');
          return truncate ? ellipsis(command, longestCommand) : command;
        },
      },
      CreatedSince: { header: 'CREATED', value: human ? since : at },
      ID: { header: 'IMAGE', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
      Size: { header: 'SIZE', value: ({ Size }) => (human ? humanSize(Size, 3) : String(Size)) },
    },
  };
}
