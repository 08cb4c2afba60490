import { invalid } from '../../../base/errors.ts';
import { explainUp, type PlannedChange } from '../../../compose/explain.ts';
import { withProfiles } from '../../../formats/compose-file/profiles.ts';
import type { Flag } from '../../command.ts';
import type { ComposeCommand } from './compose-command.ts';
import { originOf } from './origin.ts';
import { usesColour } from './progress-view.ts';
import { createFlags } from './up-flags.ts';
import { checkUpFlags, scaleOf, upOptions } from './up-options.ts';

const flagTable: readonly Flag[] = [
  ...createFlags.filter(({ long }) => long !== 'quiet-pull'),
  { long: 'detailed-exitcode', kind: 'bool', description: 'End with 2 when something would change' },
  { long: 'format', kind: 'string', default: 'pretty', description: 'pretty or json' },
  { long: 'no-deps', kind: 'bool', description: 'Leave what the services need alone' },
];

export const command: ComposeCommand = {
  name: 'plan',
  usage: '[OPTIONS] [SERVICE...]',
  short: 'Show what up would create, change, recreate or remove, and why',
  flags: flagTable,
  args: { min: 0 },
  run: async ({ flags, args }, session, compose) => {
    checkUpFlags(flags, flagTable);
    const format = flags.string('format');
    if (format !== 'pretty' && format !== 'json') throw invalid(`unsupported format: ${format}, it is pretty or json`);
    const opened = await compose.open();
    const scale = scaleOf(flags.list('scale'), opened.project);
    const project = withProfiles(opened.project, opened.source.profiles, args);
    const options = upOptions(flags, project, args, scale, false, flagTable);
    const changes = await explainUp(session.engine, project, originOf(opened), opened.project, options);
    const colour = usesColour(compose.globals, session);
    await session.out.write(
      format === 'json' ? `${JSON.stringify(changes, null, 2)}\n` : describe(project.name, changes, colour),
    );
    return changes.length > 0 && flags.bool('detailed-exitcode') ? 2 : 0;
  },
};

const marks: Readonly<Record<PlannedChange['change'], readonly [string, number]>> = {
  create: ['+', 32],
  recreate: ['~', 33],
  remove: ['-', 31],
  start: ['>', 34],
  pull: ['↓', 34],
  build: ['*', 34],
};

function describe(project: string, changes: readonly PlannedChange[], colour: boolean): string {
  if (changes.length === 0) return `Nothing to do: ${project} is as its files say\n`;
  const lines = changes.flatMap(({ kind, name, change, reason, fields }) => {
    const [mark, code] = marks[change];
    const shownMark = colour ? `\x1b[${code}m${mark}\x1b[0m` : mark;
    return [
      `${shownMark} ${change} ${kind.toLowerCase()} ${name}${reason === undefined ? '' : `: ${reason}`}`,
      ...(fields ?? []).map(({ field, from, to }) => `    ${field}: ${from ?? '(none)'} -> ${to ?? '(none)'}`),
    ];
  });
  return `${lines.join('\n')}\n`;
}
