import { invalid } from '../../../base/errors.ts';
import { clearLogs, inspect, logs } from '../../../client/calls/containers.ts';
import type { Command } from '../../command.ts';
import { flagTime } from '../../flag-time.ts';
import { copyOutput } from '../../terminal/stdio.ts';

/** Flags that say what to show. */
const reading = ['details', 'follow', 'since', 'tail', 'timestamps', 'until'];

export const command: Command = {
  paths: ['container logs', 'logs'],
  usage: '[OPTIONS] CONTAINER',
  short: "Show a container's log",
  flags: [
    { long: 'clear', kind: 'bool', description: 'Remove what was logged so far, and show nothing' },
    { long: 'details', kind: 'bool', description: 'Show the labels and variables that the log driver keeps' },
    { long: 'follow', short: 'f', kind: 'bool', description: 'Go on with what is written from now on' },
    { long: 'since', kind: 'string', description: 'From this time on ("2024-01-02T13:23:37Z", or "42m" ago)' },
    { long: 'tail', short: 'n', kind: 'string', default: 'all', description: 'Number of lines from the end' },
    { long: 'timestamps', short: 't', kind: 'bool', description: 'Show the time of each line' },
    { long: 'until', kind: 'string', description: 'Up to this time' },
  ],
  args: { min: 1, max: 1 },
  run: async ({ flags, args: [container = ''] }, session) => {
    if (flags.bool('clear')) {
      const other = reading.find((name) => flags.given(name));
      if (other !== undefined) throw invalid(`conflicting options: --clear and --${other}`);
      await clearLogs(session.engine, container);
      return 0;
    }
    const { framed, body } = await logs(session.engine, container, {
      follow: flags.bool('follow'),
      stdout: true,
      stderr: true,
      since: flagTime('since', flags.string('since')),
      until: flagTime('until', flags.string('until')),
      timestamps: flags.bool('timestamps'),
      details: flags.bool('details'),
      tail: flags.string('tail'),
    });
    const terminal = framed ? false : (await inspect(session.engine, container)).Config['Tty'] === true;
    const read = async () => {
      const { value, done } = await body.next();
      return done ? undefined : value;
    };
    await copyOutput({ read }, { terminal, out: session.out, err: session.err });
    return 0;
  },
};
