import type { Command, Flag } from './command.ts';
import { globalFlags } from './global-flags.ts';
import { wrapText } from './output/wrap.ts';
import { type Group, groups, type Leaf, topLevel } from './tree.ts';

/** The usage line of a command or group, without `Usage:`. */
export const usageLine = (path: string, usage: string): string => `tug ${path}${usage === '' ? '' : ` ${usage}`}`;

/** What `tug COMMAND --help` prints. @param width columns of the terminal. */
export function commandHelp(command: Command, path: string, width: number): string {
  const parts = [`Usage:  ${usageLine(path, command.usage)}\n`, `\n${command.short}\n`];
  if (command.paths.length > 1) parts.push(`\nAliases:\n  ${command.paths.map((one) => `tug ${one}`).join(', ')}\n`);
  const options = flagTable(command.flags, width);
  if (options !== '') parts.push(`\nOptions:\n${options}`);
  return parts.join('');
}

/** What `tug NOUN --help` prints. */
export async function groupHelp(group: Group): Promise<string> {
  return (
    `Usage:  tug ${group.name} COMMAND\n\n${group.short}\n\nCommands:\n` +
    `${await leafTable(group.leaves)}\nRun 'tug ${group.name} COMMAND --help' for more information on a command.\n`
  );
}

/** What `tug --help` prints. */
export async function programHelp(width: number): Promise<string> {
  const section = async (name: Leaf['section']) =>
    `${name}:\n${await leafTable(topLevel.filter((leaf) => leaf.section === name))}\n`;
  return (
    'Usage:  tug [OPTIONS] COMMAND\n\nA container engine for Linux\n\n' +
    (await section('Common Commands')) +
    `Management Commands:\n${nameTable(groups.map((group) => [group.name, group.short]))}\n` +
    (await section('Commands')) +
    `Global Options:\n${flagTable(globalFlags, width)}\n` +
    "Run 'tug COMMAND --help' for more information on a command.\n"
  );
}

async function leafTable(leaves: readonly Leaf[]): Promise<string> {
  const loaded = await Promise.all(leaves.map(async (leaf) => [leaf.name, (await leaf.load()).command.short] as const));
  return nameTable(loaded);
}

function nameTable(rows: readonly (readonly [string, string])[]): string {
  return rows.map(([name, short]) => `  ${name.padEnd(11)} ${short}\n`).join('');
}

/** The options, sorted by name, their descriptions wrapped beside them. */
function flagTable(flags: readonly Flag[], width: number): string {
  const rows = flags
    .filter((flag) => flag.aliasOf === undefined)
    .toSorted((left, right) => (left.long < right.long ? -1 : 1))
    .map((flag) => [flagName(flag), flagText(flag)] as const);
  const column = Math.max(0, ...rows.map(([name]) => name.length)) + 3;
  return rows.map(([name, text]) => `${name.padEnd(column)}${wrapText(text, column, width - 1)}\n`).join('');
}

function flagName(flag: Flag): string {
  const value = flag.value ?? (flag.kind === 'bool' ? '' : flag.kind);
  return `${flag.short ? `  -${flag.short}, ` : '      '}--${flag.long}${value === '' ? '' : ` ${value}`}`;
}

function flagText(flag: Flag): string {
  const shown =
    flag.defaultText ?? (flag.kind === 'string' && flag.default ? JSON.stringify(flag.default) : flag.default);
  return shown ? `${flag.description} (default ${shown})` : flag.description;
}
