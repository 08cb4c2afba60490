import { messageOf, TugError } from '../base/errors.ts';
import { tugVersion } from '../base/version.ts';
import type { ArgumentCount, Command } from './command.ts';
import { CommandFailure, exitCodeOf, outputClosed } from './exit-codes.ts';
import { FlagError, type ParsedFlags, type ParsedLine, parseFlags } from './flags.ts';
import { globalFlags } from './global-flags.ts';
import { type Output, OutputClosed } from './output/output.ts';
import { openSession } from './session.ts';
import { findLeaf, type Group, groups, topLevel } from './tree.ts';
import { UsageError } from './usage-error.ts';

/** What a run of the program is given; a test gives its own. */
export interface ProcessIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
}

/** Runs one command line (without the program's name) and returns its exit code. Never throws. */
export async function main(argv: readonly string[], io: ProcessIo): Promise<number> {
  let debug = false;
  try {
    const globals = readGlobals(argv);
    debug = globals.flags.bool('debug');
    return await dispatch(globals, io);
  } catch (error) {
    return report(error, io, debug);
  }
}

function readGlobals(argv: readonly string[]): ParsedLine {
  return withHint(() => parseFlags(globalFlags, argv, true), 'tug [OPTIONS] COMMAND [ARG...]', 'tug');
}

async function dispatch(globals: ParsedLine, io: ProcessIo): Promise<number> {
  const [name, ...rest] = globals.args;
  if (globals.flags.bool('version')) return print(io, `tug version ${tugVersion}\n`);
  if (globals.help || name === undefined) return printProgramHelp(io, globals.help === 'short-help');
  if (name === 'help') return help(rest, io);
  const leaf = findLeaf(topLevel, name);
  if (leaf) return runCommand((await leaf.load()).command, leaf.name, rest, globals.flags, io);
  const group = groups.find((one) => one.name === name);
  if (group) return runInGroup(group, rest, globals.flags, io);
  if (rest.includes('--help')) return printProgramHelp(io, false);
  throw new UsageError(`tug: unknown command: tug ${name}`, "\nRun 'tug --help' for more information", 1);
}

async function runInGroup(group: Group, argv: readonly string[], globals: ParsedFlags, io: ProcessIo): Promise<number> {
  const [name, ...rest] = argv;
  const leaf = name === undefined ? undefined : findLeaf(group.leaves, name);
  if (leaf) return runCommand((await leaf.load()).command, `${group.name} ${leaf.name}`, rest, globals, io);
  const line = withHint(() => parseFlags([], argv, false), `tug ${group.name}`, `tug ${group.name}`);
  const [unknown] = line.args;
  if (line.help || unknown === undefined) {
    const { groupHelp } = await import('./help.ts');
    return print(io, await groupHelp(group));
  }
  throw new UsageError(
    `tug: unknown command: tug ${group.name} ${unknown}`,
    `\nUsage:  tug ${group.name}\n\nRun 'tug ${group.name} --help' for more information`,
    1,
  );
}

async function runCommand(
  command: Command,
  path: string,
  argv: readonly string[],
  globals: ParsedFlags,
  io: ProcessIo,
): Promise<number> {
  const usage = `tug ${path}${command.usage === '' ? '' : ` ${command.usage}`}`;
  const line = withHint(() => parseFlags(command.flags, argv, command.stopAtArgument === true), usage, `tug ${path}`);
  if (line.help) return printCommandHelp(command, path, io, line.help === 'short-help');
  checkArguments(command.argsWith?.(line.flags) ?? command.args, path, usage, line.args.length);
  const session = await openSession(globals, io, command.withoutEngine === true);
  try {
    return await command.run({ flags: line.flags, args: line.args }, session);
  } finally {
    await session.close();
  }
}

function checkArguments({ min, max }: ArgumentCount, path: string, usage: string, count: number): void {
  if (count >= min && (max === undefined || count <= max)) return;
  const plural = (number: number) => `${number} ${number === 1 ? 'argument' : 'arguments'}`;
  const wanted =
    max === 0
      ? 'accepts no arguments'
      : max === min
        ? `requires ${plural(min)}`
        : max === undefined
          ? `requires at least ${plural(min)}`
          : min > 0
            ? `requires at least ${min} and at most ${plural(max)}`
            : `requires at most ${plural(max)}`;
  throw new UsageError(
    `tug: 'tug ${path}' ${wanted}`,
    `\nUsage:  ${usage}\n\n${max === undefined ? 'See' : 'Run'} 'tug ${path} --help' for more information`,
    1,
  );
}

function withHint<T>(read: () => T, usage: string, path: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FlagError)) throw error;
    throw new UsageError(error.message, `\nUsage:  ${usage}\n\nRun '${path} --help' for more information`, 125);
  }
}

async function help(path: readonly string[], io: ProcessIo): Promise<number> {
  const [noun, verb] = path;
  if (noun === undefined) return printProgramHelp(io, false);
  const group = groups.find((one) => one.name === noun);
  const leaf = group && verb !== undefined ? findLeaf(group.leaves, verb) : findLeaf(topLevel, noun);
  if (leaf) return printCommandHelp((await leaf.load()).command, group ? `${noun} ${leaf.name}` : leaf.name, io, false);
  if (!group || verb !== undefined) throw new UsageError(`unknown help topic: ${path.join(' ')}`, '', 1);
  const { groupHelp } = await import('./help.ts');
  return print(io, await groupHelp(group));
}

async function printProgramHelp(io: ProcessIo, deprecated: boolean): Promise<number> {
  const { programHelp } = await import('./help.ts');
  return printHelp(io, deprecated, await programHelp(io.out.columns ?? 80));
}

async function printCommandHelp(command: Command, path: string, io: ProcessIo, deprecated: boolean): Promise<number> {
  const { commandHelp } = await import('./help.ts');
  return printHelp(
    io,
    deprecated,
    commandHelp(command, path, io.out.columns ?? 80) + ((await command.moreHelp?.()) ?? ''),
  );
}

async function printHelp(io: ProcessIo, deprecated: boolean, text: string): Promise<number> {
  if (deprecated) await io.err.write('Flag shorthand -h has been deprecated, use --help\n');
  return print(io, text);
}

async function print(io: ProcessIo, text: string): Promise<number> {
  await io.out.write(text);
  return 0;
}

async function report(error: unknown, io: ProcessIo, debug: boolean): Promise<number> {
  if (error instanceof OutputClosed) return outputClosed;
  const hint = error instanceof UsageError || error instanceof CommandFailure ? error.hint : undefined;
  const text =
    error instanceof TugError || error instanceof UsageError || error instanceof CommandFailure
      ? messageOf(error)
      : `tug: internal error: ${messageOf(error)}`;
  const origin = debug && error instanceof Error && error.stack ? `${error.stack}\n` : '';
  try {
    await io.err.write(`${text}${text === '' ? '' : '\n'}${hint ? `${hint}\n` : ''}${origin}`);
  } catch {
    // nobody reads the error output: the exit code has to do
  }
  return error instanceof UsageError ? error.status : exitCodeOf(error);
}
