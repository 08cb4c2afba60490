import { parseArgs } from 'node:util';
import { messageOf } from '../base/errors.ts';
import type { Flag } from './command.ts';

/** A wrong option; the caller adds the usage hint of its command. */
export class FlagError extends Error {}

/** The options of a line, by long name. Names that the command's table lacks are a fault of the command. */
export interface ParsedFlags {
  given(long: string): boolean;
  bool(long: string): boolean;
  /** The last value given, else the default, else ''. */
  string(long: string): string;
  /** The last value given, or undefined when it was not (defaults are not looked at). */
  optional(long: string): string | undefined;
  int(long: string): number;
  list(long: string): readonly string[];
}

export interface ParsedLine {
  readonly flags: ParsedFlags;
  readonly args: readonly string[];
  /** `--help`, or the deprecated `-h` where the command gives it no meaning of its own. */
  readonly help: false | 'help' | 'short-help';
}

type Token = NonNullable<ReturnType<typeof parseArgs>['tokens']>[number];
type OptionToken = Extract<Token, { kind: 'option' }>;

/**
 * Reads a command line as pflag does: grouped shorthands, `-p80`, `--x=false`, `-x=value`, repeated options.
 * With `stopAtArgument` everything from the first argument on is an argument.
 * @throws FlagError with pflag's wording.
 */
export function parseFlags(table: readonly Flag[], argv: readonly string[], stopAtArgument: boolean): ParsedLine {
  const byLong = new Map(table.map((flag) => [flag.long, flag]));
  const byShort = new Map(table.flatMap((flag) => (flag.short ? [[flag.short, flag] as const] : [])));
  const values = new Map<string, string[]>();
  const args: string[] = [];
  let help: ParsedLine['help'] = false;
  for (const token of tokensOf(table, argv)) {
    if (token.kind === 'option-terminator') {
      if (stopAtArgument || args.length > 0) continue;
      continue;
    }
    if (token.kind === 'positional') {
      args.push(token.value);
      if (!stopAtArgument) continue;
      args.push(...argv.slice(token.index + 1));
      break;
    }
    const long = token.rawName.startsWith('--');
    const flag = long ? byLong.get(token.name) : byShort.get(token.rawName.slice(1));
    if (flag) {
      const value = readValue(flag, token);
      const key = flag.aliasOf ?? flag.long;
      values.set(key, [...(values.get(key) ?? []), value]);
    } else if (long && token.name === 'help') help = parseBool('--help', token.value ?? 'true') ? 'help' : false;
    else if (token.rawName === '-h') help = 'short-help';
    else throw unknownFlag(token, argv);
    if (help === 'short-help') break;
  }
  return { flags: accessors(byLong, values), args, help };
}

function tokensOf(table: readonly Flag[], argv: readonly string[]): Token[] {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {};
  for (const flag of table)
    options[flag.long] = {
      type: flag.kind === 'bool' ? 'boolean' : 'string',
      ...(flag.short ? { short: flag.short } : {}),
    };
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

function unknownFlag(token: OptionToken, argv: readonly string[]): FlagError {
  if (token.rawName.startsWith('--')) return new FlagError(`unknown flag: ${token.rawName}`);
  const letter = token.rawName.slice(1);
  const word = argv[token.index] ?? token.rawName;
  return new FlagError(`unknown shorthand flag: '${letter}' in -${word.slice(Math.max(word.indexOf(letter), 1))}`);
}

function readValue(flag: Flag, token: OptionToken): string {
  const long = token.rawName.startsWith('--');
  let value = token.value;
  if (value === undefined) {
    if (flag.kind === 'bool') return 'true';
    throw new FlagError(
      long ? `flag needs an argument: --${flag.long}` : `flag needs an argument: '${flag.short}' in -${flag.short}`,
    );
  }
  if (!long && token.inlineValue && value.startsWith('=')) value = value.slice(1);
  const name = flag.short ? `-${flag.short}, --${flag.long}` : `--${flag.long}`;
  try {
    if (flag.kind === 'bool') return String(parseBool(name, value));
    if (flag.kind === 'int') parseInteger(value);
    flag.check?.(value);
  } catch (error) {
    if (error instanceof FlagError) throw error;
    throw new FlagError(`invalid argument ${JSON.stringify(value)} for "${name}" flag: ${messageOf(error)}`);
  }
  return value;
}

function parseBool(name: string, text: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  const quoted = JSON.stringify(text);
  throw new FlagError(
    `invalid argument ${quoted} for "${name}" flag: strconv.ParseBool: parsing ${quoted}: invalid syntax`,
  );
}

/** An integer as Docker's client takes it: decimal, or with a 0x, 0o, 0b prefix, or an octal leading 0. */
export function parseInteger(text: string): number {
  const match = /^([+-]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9]\d*)$/.exec(text);
  if (!match) throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const digits = match[2]!.replace(/^0(?=\d)/, '0o');
  const value = Number(digits) * (match[1] === '-' ? -1 : 1);
  if (!Number.isSafeInteger(value))
    throw new Error(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

function accessors(table: ReadonlyMap<string, Flag>, values: ReadonlyMap<string, readonly string[]>): ParsedFlags {
  const flag = (long: string): Flag => {
    const found = table.get(long);
    if (!found) throw new Error(`the command has no option --${long}`);
    return found;
  };
  const last = (long: string) => values.get(long)?.at(-1);
  return {
    given: (long) => values.has(flag(long).long),
    bool: (long) => (last(long) ?? flag(long).default) === 'true',
    string: (long) => last(long) ?? flag(long).default ?? '',
    optional: (long) => last(flag(long).long),
    int: (long) => parseInteger(last(long) ?? flag(long).default ?? '0'),
    list: (long) => values.get(flag(long).long) ?? [],
  };
}
