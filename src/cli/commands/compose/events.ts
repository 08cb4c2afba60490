import { events } from '../../../client/calls/system.ts';
import { labelNames } from '../../../compose/labels.ts';
import { flagTime } from '../../flag-time.ts';
import { localTimeNano } from '../../output/text.ts';
import type { ComposeCommand } from './compose-command.ts';

export const command: ComposeCommand = {
  name: 'events',
  usage: '[OPTIONS] [SERVICE...]',
  short: "Show what happens to the project's containers as it happens",
  flags: [
    { long: 'json', kind: 'bool', description: 'Print an object for each event' },
    { long: 'since', kind: 'string', description: 'From this time on' },
    { long: 'until', kind: 'string', description: 'Up to this time' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const filters = { type: ['container'], label: [`${labelNames.project}=${await compose.name()}`] };
    const times = { since: flagTime('since', flags.string('since')), until: flagTime('until', flags.string('until')) };
    for await (const { event } of events(session.engine, { ...times, filters })) {
      const { Actor, Action, time } = event;
      const service = Actor.Attributes[labelNames.service] ?? '';
      if (args.length > 0 && !args.includes(service)) continue;
      const attributes = Object.fromEntries(
        Object.entries(Actor.Attributes).filter(([key]) => !key.startsWith('com.docker.compose.')),
      );
      const line = flags.bool('json')
        ? JSON.stringify({
            action: Action,
            attributes,
            id: Actor.ID,
            service,
            time: new Date(time * 1000).toISOString(),
            type: 'container',
          })
        : `${localTimeNano(time, event.timeNano % 1e9)} container ${Action} ${Actor.ID} (${Object.entries(attributes)
            .map(([key, value]) => `${key}=${value}`)
            .toSorted()
            .join(', ')})`;
      await session.out.write(`${line}\n`);
    }
    return 0;
  },
};
