import { setTimeout } from 'node:timers/promises';
import { messageOf } from '../../../base/errors.ts';
import type { Command, Session } from '../../command.ts';
import { CommandFailure } from '../../exit-codes.ts';
import { tableFormatFlag } from '../../format-flag.ts';
import { formatListing, printListing } from '../../output/listing.ts';
import { openScreen } from '../../output/screen.ts';
import { statsListing } from './stats-listing.ts';
import { followAll, followNamed, type LiveRows, takeAll, takeRows } from './stats-rows.ts';

/** Milliseconds between two looks at what has changed. */
const pause = 500;

export const command: Command = {
  paths: ['container stats', 'stats'],
  usage: '[OPTIONS] [CONTAINER...]',
  short: 'Show what containers use, as it changes',
  flags: [
    { long: 'all', short: 'a', kind: 'bool', description: 'Show stopped containers too' },
    tableFormatFlag,
    { long: 'no-stream', kind: 'bool', description: 'Show it once' },
    { long: 'no-trunc', kind: 'bool', description: 'Show whole ids' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session) => {
    const format = flags.string('format') || session.config.statsFormat || '';
    const listing = statsListing(!flags.bool('no-trunc'));
    const { engine } = session;
    const all = flags.bool('all');
    if (flags.bool('no-stream')) {
      const rows = args.length > 0 ? await takeRows(engine, args) : await takeAll(engine, { all });
      await printListing(session.out, format, listing, rows);
      return 0;
    }
    const live = args.length > 0 ? followNamed(engine, args) : await followAll(engine, { all });
    await live.ready;
    if (args.length > 0 && live.failures.length > 0)
      throw new CommandFailure(live.failures.map(messageOf).join('\n'), 1);
    await draw(session, live, () => formatListing(format, listing, live.rows));
    return 0;
  },
};

/** Draws the rows whenever they have changed, until nothing more can come. */
async function draw(session: Session, live: LiveRows, text: () => Promise<string>): Promise<void> {
  const screen = openScreen(session.out);
  let ended = false;
  const end = live.ended.finally(() => {
    ended = true;
  });
  end.catch(() => {}); // it is thrown at the end
  let drawn = -1;
  while (!ended) {
    if (live.changes !== drawn) {
      drawn = live.changes;
      await screen.show(await text());
    }
    await Promise.race([setTimeout(pause), end.catch(() => {})]);
  }
  await end;
}
