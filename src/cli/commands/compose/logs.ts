import { messageOf } from '../../../base/errors.ts';
import { copyLog, projectEvents } from '../../../compose/follow-logs.ts';
import { type Instance, isRunning, observeProject } from '../../../compose/observe.ts';
import type { Session } from '../../command.ts';
import { flagTime } from '../../flag-time.ts';
import { checkServices } from './check-services.ts';
import type { ComposeCommand } from './compose-command.ts';
import { createLogPrinter, type LogPrinter } from './log-printer.ts';
import { usesColour } from './progress-view.ts';
import { projectIfThere } from './project-if-there.ts';

export const command: ComposeCommand = {
  name: 'logs',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Show what containers have written',
  flags: [
    { long: 'follow', short: 'f', kind: 'bool', description: 'Go on with what is written from now on' },
    { long: 'index', kind: 'int', default: '0', description: 'Number of the container, where the service has several' },
    { long: 'no-color', kind: 'bool', description: 'Show it without colours' },
    { long: 'no-log-prefix', kind: 'bool', description: 'Do not put names in front' },
    { long: 'since', kind: 'string', description: 'From this time on ("2024-01-02T13:23:37Z", or "42m" ago)' },
    { long: 'tail', short: 'n', kind: 'string', default: 'all', description: 'Number of lines from the end of each' },
    { long: 'timestamps', short: 't', kind: 'bool', description: 'Show the time of each line' },
    { long: 'until', kind: 'string', description: 'Up to this time' },
  ],
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    const name = await compose.name();
    checkServices(await projectIfThere(compose), args);
    const index = flags.int('index');
    const isWanted = (one: Pick<Instance, 'service' | 'number'>): boolean =>
      (args.length === 0 || args.includes(one.service)) && (index === 0 || one.number === index);
    const instances = (await observeProject(session.engine, name)).filter((one) => !one.oneOff && isWanted(one));
    const colour = !flags.bool('no-color') && usesColour(compose.globals, session);
    const printer = createLogPrinter(session, { project: name, prefix: !flags.bool('no-log-prefix'), colour });
    printer.expect(instances);
    const options = {
      follow: flags.bool('follow'),
      since: flagTime('since', flags.string('since')),
      until: flagTime('until', flags.string('until')),
      tail: flags.string('tail'),
      timestamps: flags.bool('timestamps'),
    };
    const show = (instance: Instance) =>
      copyLog(session.engine, instance, { ...options, follow: options.follow && isRunning(instance) }, printer).catch(
        (error: unknown) => printer.say(instance, messageOf(error)),
      );
    const later = options.follow
      ? followLater(session, name, instances, isWanted, printer, options.timestamps)
      : undefined;
    await Promise.all(instances.map(show));
    // what is stopped may be started again: as with Docker Compose, following ends when nothing runs any more
    if (later && instances.some(isRunning)) await later;
    return 0;
  },
};

/** Shows containers that are started while the others are followed; ends when none runs. */
async function followLater(
  session: Session,
  project: string,
  known: readonly Instance[],
  isWanted: (one: Pick<Instance, 'service' | 'number'>) => boolean,
  printer: LogPrinter,
  timestamps: boolean,
): Promise<void> {
  const running = new Set(known.filter(isRunning).map(({ id }) => id));
  const copies: Promise<void>[] = [];
  const ends = new Map<string, string>();
  for await (const event of await projectEvents(session.engine, project)) {
    if (!isWanted(event)) continue;
    if (event.action === 'start') {
      running.add(event.id);
      const instance = { ...event, project } as unknown as Instance;
      const options = { follow: true, since: ends.get(event.id), until: undefined, tail: 'all', timestamps };
      copies.push(copyLog(session.engine, instance, options, printer).catch(() => {})); // it is gone again
    } else {
      running.delete(event.id);
      ends.set(event.id, event.time);
    }
    if (event.action === 'die') await printer.say(event, `exited with code ${event.exitCode ?? 0}`);
    if (running.size === 0) break;
  }
  await Promise.all(copies);
}
