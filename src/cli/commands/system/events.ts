import type { EventMessage } from '../../../api/types/event.ts';
import { events, type ReceivedEvent } from '../../../client/calls/system.ts';
import { parseFilterOptions } from '../../../formats/key-value.ts';
import { formatUnixTimestamp, parseTimestamp } from '../../../formats/timestamp.ts';
import type { Command } from '../../command.ts';
import { filterFlag, formatFlag } from '../../format-flag.ts';
import { localTimeNano } from '../../output/text.ts';

export const command: Command = {
  paths: ['system events', 'events'],
  usage: '[OPTIONS]',
  short: 'Show what happens in the engine as it happens',
  flags: [
    filterFlag,
    formatFlag(),
    { long: 'since', kind: 'string', description: 'From this time on' },
    { long: 'until', kind: 'string', description: 'Up to this time' },
  ],
  args: { min: 0, max: 0 },
  run: async ({ flags }, session) => {
    const print = await printer(flags.string('format'));
    const stream = events(session.engine, {
      since: eventTime(flags.string('since')),
      until: eventTime(flags.string('until')),
      filters: parseFilterOptions(flags.list('filter')),
    });
    for await (const event of stream) await session.out.write(await print(event));
    return 0;
  },
};

function eventTime(text: string): string | undefined {
  return text === '' ? undefined : formatUnixTimestamp(parseTimestamp(text, { now: BigInt(Date.now()) * 1_000_000n }));
}

async function printer(format: string): Promise<(received: ReceivedEvent) => string | Promise<string>> {
  if (format === '') return describe;
  if (format === 'json') return ({ text }) => `${text}\n`;
  const { formatEach } = await import('../../output/template.ts');
  return ({ event }) => formatEach(format, [eventView(event)]);
}

/** What templates see: Go's names of the fields, which JSON has in lower case. */
function eventView(event: EventMessage): object {
  return {
    ...{ Type: event.Type, Action: event.Action, Actor: event.Actor, Scope: event.scope, Time: event.time },
    ...{ TimeNano: event.timeNano, ID: event.id ?? '', Status: event.status ?? '', From: event.from ?? '' },
  };
}

/** `TIME TYPE ACTION ID (NAME=VALUE, ...)`. */
function describe({ event, text }: ReceivedEvent): string {
  const nanoseconds = /"timeNano":\s*(\d+)/.exec(text)?.[1];
  const time = localTimeNano(event.time, nanoseconds === undefined ? 0 : Number(nanoseconds.slice(-9)));
  const attributes = Object.entries(event.Actor?.Attributes ?? {}).toSorted(([left], [right]) =>
    left < right ? -1 : 1,
  );
  const described = attributes.map(([name, value]) => `${name}=${value}`).join(', ');
  const object = `${event.Type} ${event.Action} ${event.Actor?.ID ?? ''}`;
  return `${time} ${object}${described === '' ? '' : ` (${described})`}\n`;
}
