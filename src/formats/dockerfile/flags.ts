import { SyntaxFault } from './source.ts';
import { withSuggestion } from './suggestion.ts';
import type { Flag } from './types.ts';

/** The kinds of flags an instruction knows, by name. */
export type FlagKinds = Readonly<Record<string, 'text' | 'texts' | 'boolean'>>;

type FlagValue<Kind> = Kind extends 'texts' ? readonly string[] : Kind extends 'boolean' ? boolean : string;
export type FlagValues<Kinds extends FlagKinds> = { readonly [Name in keyof Kinds]?: FlagValue<Kinds[Name]> };

const blank = /\s/;

/**
 * Splits off the flags before an instruction's arguments: words that begin with `--`, up to `--` alone. Quotes are
 * taken off them, a backslash escapes.
 */
export function splitFlags(text: string): { flags: Flag[]; rest: string } {
  const flags: Flag[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && blank.test(text.charAt(at))) at += 1;
    if (!text.startsWith('--', at)) return { flags, rest: text.slice(at).trim() };
    const { word, end } = readFlag(text, at);
    at = end;
    if (word === '--') return { flags, rest: text.slice(at).trim() };
    const equals = word.indexOf('=');
    flags.push(equals < 0 ? { name: word.slice(2) } : { name: word.slice(2, equals), value: word.slice(equals + 1) });
  }
}

function readFlag(text: string, start: number): { word: string; end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '\\') {
      at += 1;
      word += text.charAt(at);
    } else if (quote !== '') {
      if (character === quote) quote = '';
      else word += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (blank.test(character)) break;
    else word += character;
  }
  return { word, end: Math.min(at, text.length) };
}

/**
 * Reads an instruction's flags by their kinds.
 * @throws SyntaxFault in Docker's words: `unknown flag: --x (did you mean y?)`,
 * `duplicate flag specified: --x`, `missing a value on flag: --x`, `expecting boolean value for flag --x, not: y`.
 */
export function readFlags<Kinds extends FlagKinds>(flags: readonly Flag[], kinds: Kinds): FlagValues<Kinds> {
  const values: Record<string, string | boolean | string[]> = {};
  for (const { name, value } of flags) {
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    const near = `--${name}`;
    if (kind === undefined)
      throw new SyntaxFault(withSuggestion(`unknown flag: ${near}`, name, Object.keys(kinds)), near);
    const before = values[name];
    if (before !== undefined && kind !== 'texts') throw new SyntaxFault(`duplicate flag specified: ${near}`, near);
    if (kind === 'boolean') values[name] = readBoolean(name, value);
    else if (value === undefined) throw new SyntaxFault(`missing a value on flag: ${near}`, near);
    else if (kind === 'text') values[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else values[name] = [value];
  }
  return values as FlagValues<Kinds>;
}

function readBoolean(name: string, value: string | undefined): boolean {
  const flag = `--${name}`;
  if (value === '') throw new SyntaxFault(`missing a value on flag: ${flag}`, flag);
  const lower = value?.toLowerCase() ?? 'true';
  if (lower !== 'true' && lower !== 'false') {
    throw new SyntaxFault(`expecting boolean value for flag ${flag}, not: ${value}`, flag);
  }
  return lower === 'true';
}
