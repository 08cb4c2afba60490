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

/** What has been read of a line so far. */
interface Reading {
  readonly byLong: ReadonlyMap<string, Flag>;
  readonly byShort: ReadonlyMap<string, Flag>;
  readonly values: Map<string, string[]>;
  help: ParsedLine['help'];
}

/**
 * Reads a command line as pflag does: grouped shorthands, `-p80`, `--x=false`, `-x=value`, repeated options, `--`.
 * With `stopAtArgument` everything from the first argument on is an argument.
 * @throws FlagError with pflag's wording.
 */
export function parseFlags(table: readonly Flag[], argv: readonly string[], stopAtArgument: boolean): ParsedLine {
  const byLong = new Map(table.map((flag) => [flag.long, flag]));
  const byShort = new Map(table.flatMap((flag) => (flag.short ? [[flag.short, flag] as const] : [])));
  const reading: Reading = { byLong, byShort, values: new Map(), help: false };
  const args: string[] = [];
  for (let at = 0; at < argv.length && reading.help !== 'short-help'; at++) {
    const word = argv[at]!;
    if (word === '--') {
      args.push(...argv.slice(at + 1));
      break;
    }
    if (word.length < 2 || !word.startsWith('-')) {
      args.push(word);
      if (!stopAtArgument) continue;
      args.push(...argv.slice(at + 1));
      break;
    }
    const usedNext = word.startsWith('--')
      ? readLong(reading, word, argv[at + 1])
      : readShorthands(reading, word.slice(1), argv[at + 1]);
    if (usedNext) at++;
  }
  return { flags: accessors(byLong, reading.values), args, help: reading.help };
}

/** `--name`, `--name=value`, `--name value`. True when the next word was the value. */
function readLong(reading: Reading, word: string, next: string | undefined): boolean {
  const equals = word.indexOf('=');
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const inline = equals < 0 ? undefined : word.slice(equals + 1);
  if (name === '' || name.startsWith('-')) throw new FlagError(`bad flag syntax: ${word}`);
  const flag = reading.byLong.get(name);
  if (!flag) {
    if (name !== 'help') throw new FlagError(`unknown flag: --${name}`);
    reading.help = parseBool('--help', inline ?? 'true') ? 'help' : false;
    return false;
  }
  const value = inline ?? (flag.kind === 'bool' ? 'true' : next);
  if (value === undefined) throw new FlagError(`flag needs an argument: --${name}`);
  store(reading, flag, value);
  return inline === undefined && flag.kind !== 'bool';
}

/** `-it`, `-p80`, `-p=80`, `-p 80`. True when the next word was the last one's value. */
function readShorthands(reading: Reading, letters: string, next: string | undefined): boolean {
  for (let rest = letters; rest !== ''; rest = rest.slice(1)) {
    const letter = rest.charAt(0);
    const flag = reading.byShort.get(letter);
    if (!flag) {
      if (letter !== 'h') throw new FlagError(`unknown shorthand flag: '${letter}' in -${rest}`);
      reading.help = 'short-help';
      return false;
    }
    if (rest.length > 2 && rest.charAt(1) === '=') {
      store(reading, flag, rest.slice(2));
      return false;
    }
    if (flag.kind === 'bool') {
      store(reading, flag, 'true');
      continue;
    }
    const value = rest.length > 1 ? rest.slice(1) : next;
    if (value === undefined) throw new FlagError(`flag needs an argument: '${letter}' in -${rest}`);
    store(reading, flag, value);
    return rest.length === 1;
  }
  return false;
}

function store(reading: Reading, flag: Flag, text: string): void {
  const name = flag.short ? `-${flag.short}, --${flag.long}` : `--${flag.long}`;
  let value = text;
  try {
    if (flag.kind === 'bool') value = String(parseBool(name, text));
    if (flag.kind === 'int') parseInteger(text);
    flag.check?.(text);
  } catch (error) {
    if (error instanceof FlagError) throw error;
    throw new FlagError(`invalid argument ${JSON.stringify(text)} for "${name}" flag: ${messageOf(error)}`);
  }
  const key = flag.aliasOf ?? flag.long;
  reading.values.set(key, [...(reading.values.get(key) ?? []), value]);
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
