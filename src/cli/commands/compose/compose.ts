import process from 'node:process';
import { tugVersion } from '../../../base/version.ts';
import type { ProjectChoice } from '../../../compose/project-files.ts';
import { didYouMean } from '../../../formats/compose-file/problems.ts';
import type { Command, Flag, Session } from '../../command.ts';
import { FlagError, type ParsedFlags, parseFlags } from '../../flags.ts';
import { UsageError } from '../../usage-error.ts';
import { composeCommands, findComposeCommand } from './commands.ts';
import type { ComposeCommand, ComposeContext } from './compose-command.ts';

const globals: readonly Flag[] = [
  { long: 'all-resources', kind: 'bool', description: 'Also make networks and volumes that no service uses' },
  { long: 'ansi', kind: 'string', default: 'auto', description: 'Colours and moving lines: never, always or auto' },
  { long: 'dry-run', kind: 'bool', description: 'Tell what would be done, and change nothing' },
  { long: 'env-file', kind: 'list', description: 'File of variables instead of .env' },
  { long: 'file', short: 'f', kind: 'list', description: 'Compose file; several are merged' },
  { long: 'parallel', kind: 'int', default: '-1', description: 'How many things are done at a time, -1 for no limit' },
  { long: 'profile', kind: 'list', description: 'Profile whose services are on, * for all' },
  {
    long: 'progress',
    kind: 'string',
    default: 'auto',
    description: 'How progress is shown: auto, tty, plain, json, quiet',
  },
  { long: 'project-directory', kind: 'string', description: "Folder of the project (default: the first file's)" },
  { long: 'project-name', short: 'p', kind: 'string', description: "The project's name" },
  { long: 'version', short: 'v', kind: 'bool', description: 'Print the version and quit' },
];

export const command: Command = {
  paths: ['compose'],
  usage: '[OPTIONS] COMMAND',
  short: 'Run applications of several containers from compose files',
  flags: globals,
  args: { min: 0 },
  stopAtArgument: true,
  moreHelp: listCommands,
  run: async ({ flags, args: [name, ...rest] }, session) => {
    if (flags.bool('version')) {
      await session.out.write(`tug compose version ${tugVersion}\n`);
      return 0;
    }
    if (name === undefined || name === 'help') return await printHelp(session, flags, rest[0]);
    const leaf = findComposeCommand(name);
    if (!leaf)
      throw new UsageError(
        `tug: unknown command: tug compose ${name}${didYouMean(
          name,
          composeCommands.map((one) => one.name),
        )}`,
        "\nRun 'tug compose' for the commands there are",
        1,
      );
    const { command: found } = await leaf.load();
    const line = parseLine(found, rest);
    if (line.help) return await printCommandHelp(session, found);
    checkCount(found, line.args.length);
    const context = contextOf(flags, session);
    if (!flags.bool('dry-run')) return await found.run(line, session, context);
    const { runDry } = await import('./dry-run.ts');
    return await runDry(found, line, session, context);
  },
};

function parseLine(found: ComposeCommand, argv: readonly string[]) {
  try {
    return parseFlags(found.flags, argv, found.stopAtArgument === true);
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new UsageError(
      error.message,
      `\nUsage:  tug compose ${found.name} ${found.usage}\n\nRun 'tug compose ${found.name} --help' for more information`,
      125,
    );
  }
}

function checkCount({ name, args: { min, max }, usage }: ComposeCommand, count: number): void {
  if (count >= min && (max === undefined || count <= max)) return;
  const wanted =
    max === 0
      ? 'accepts no arguments'
      : max === min
        ? `requires ${min} argument${min === 1 ? '' : 's'}`
        : count < min
          ? `requires at least ${min} argument${min === 1 ? '' : 's'}`
          : `requires at most ${max} argument${max === 1 ? '' : 's'}`;
  throw new UsageError(
    `tug: 'tug compose ${name}' ${wanted}`,
    `\nUsage:  tug compose ${name} ${usage}\n\nSee 'tug compose ${name} --help'`,
    1,
  );
}

async function printCommandHelp(session: Session, found: ComposeCommand): Promise<number> {
  const { commandHelp } = await import('../../help.ts');
  const shown: Command = { ...found, paths: [`compose ${found.name}`], run: async () => 0 };
  await session.out.write(commandHelp(shown, `compose ${found.name}`, session.out.columns ?? 80));
  return 0;
}

async function printHelp(session: Session, _flags: ParsedFlags, topic: string | undefined): Promise<number> {
  const leaf = topic === undefined ? undefined : findComposeCommand(topic);
  if (leaf) return await printCommandHelp(session, (await leaf.load()).command);
  const { commandHelp } = await import('../../help.ts');
  await session.out.write(commandHelp(command, 'compose', session.out.columns ?? 80) + (await listCommands()));
  return 0;
}

async function listCommands(): Promise<string> {
  const rows = await Promise.all(
    composeCommands.map(async ({ name, load }) => `  ${name.padEnd(11)} ${(await load()).command.short}\n`),
  );
  return `\nCommands:\n${rows.toSorted().join('')}\nRun 'tug compose COMMAND --help' for more information on a command.\n`;
}

function contextOf(flags: ParsedFlags, session: Session): ComposeContext {
  const choice: ProjectChoice = {
    files: flags.list('file'),
    folder: flags.optional('project-directory'),
    name: flags.optional('project-name'),
    envFiles: flags.list('env-file'),
    profiles: flags.list('profile').flatMap((text) => text.split(',')),
    cwd: process.cwd(),
    env: session.env,
  };
  const warn = (text: string): void => {
    session.err.write(`WARN: ${text}\n`).catch(() => {}); // nobody reads it
  };
  let opened: ReturnType<ComposeContext['open']> | undefined;
  const context: ComposeContext = {
    choice,
    globals: flags,
    open: (options = {}) => {
      opened ??= import('../../../compose/open-project.ts').then(({ openProject }) =>
        openProject(choice, { warn, ...options }),
      );
      return opened;
    },
    project: async (named = []) => {
      const { withProfiles } = await import('../../../formats/compose-file/profiles.ts');
      const { project, source } = await context.open();
      return withProfiles(project, source.profiles, named);
    },
    name: async () => {
      const { checkProjectName } = await import('../../../formats/compose-file/names.ts');
      const given = choice.name ?? (choice.env['COMPOSE_PROJECT_NAME'] || undefined);
      if (given !== undefined) return checkProjectName(given);
      return (await context.open()).project.name;
    },
  };
  return context;
}
