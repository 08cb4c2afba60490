import { invalid } from '../../base/errors.ts';
import { parseShellPattern, replaceMatches, trimMatch } from './shell-pattern.ts';

export interface ExpandOptions {
  /** The escape character of the file; `\` unless told. */
  readonly escape?: '\\' | '`';
  /** Quotes stay in the result. */
  readonly keepQuotes?: boolean;
  /** Escape characters outside of quotes stay in the result. */
  readonly keepEscapes?: boolean;
  /** Quotes are characters like any other. */
  readonly ignoreQuotes?: boolean;
  /** References to variables that are not set stay as they are. */
  readonly keepUnset?: boolean;
}

export interface Expansion {
  readonly text: string;
  /** The text split at blanks that were not quoted. */
  readonly words: readonly string[];
  /** The variables that were looked up and are set. */
  readonly used: ReadonlySet<string>;
  /** The variables that are not set, and have no `-`, `+` or `?` that says what then. */
  readonly missing: ReadonlySet<string>;
}

export type Variables = ReadonlyMap<string, string>;

/** Where values are looked up. */
export type VariableSource = Pick<Variables, 'get'>;

const DEEPEST = 500;
const specialParameters = new Set('@*#?-$!0');
const nameStart = /[\p{L}_]/u;
const nameCharacter = /[\p{L}\p{Nd}_]/u;
const blank = /\s/;
/** Characters that mean nothing anywhere, and those that mean nothing in double quotes. */
const plainRun = /[^$'"\\`\s}/]+/y;
const quotedRun = /[^$"\\`]+/y;

/**
 * Expands variables in an argument of an instruction and takes its quotes off, by the rules of the Dockerfile
 * language: `$x`, `${x}`, `${x:-y}`, `${x-y}`, `${x:+y}`, `${x+y}`, `${x:?e}`, `${x?e}`, `${x#p}`, `${x##p}`,
 * `${x%p}`, `${x%%p}`, `${x/p/r}`, `${x//p/r}`; nothing in single quotes, all but quotes in double quotes.
 * @throws invalid in Docker's words, such as `failed to process "${x": syntax error: missing '}'`.
 */
export function expandWord(text: string, variables: VariableSource, options: ExpandOptions = {}): Expansion {
  if (!/[$'"\\`\s]/.test(text)) return { text, words: text === '' ? [] : [text], used: new Set(), missing: new Set() };
  const state: State = {
    source: text,
    at: 0,
    depth: 0,
    variables,
    options,
    escape: options.escape ?? '\\',
    used: new Set(),
    missing: new Set(),
  };
  try {
    return { ...expandUntil(state, undefined, options.keepEscapes ?? false), used: state.used, missing: state.missing };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw invalid(`failed to process ${JSON.stringify(shortened(text))}: ${error.message}`, { cause: error });
  }
}

/** Expands the contents of a heredoc, where quotes mean nothing. @throws as `expandWord`. */
export function expandHeredoc(text: string, variables: VariableSource): Expansion {
  return expandWord(text, variables, { ignoreQuotes: true });
}

interface State {
  readonly source: string;
  at: number;
  depth: number;
  readonly variables: VariableSource;
  readonly options: ExpandOptions;
  readonly escape: string;
  readonly used: Set<string>;
  readonly missing: Set<string>;
}

const peek = (state: State): string => state.source.charAt(state.at);
const next = (state: State): string => state.source.charAt(state.at++);

function takeRun(state: State, run: RegExp): string {
  run.lastIndex = state.at;
  const taken = run.exec(state.source)?.[0] ?? '';
  state.at += taken.length;
  return taken;
}
const atEnd = (state: State): boolean => state.at >= state.source.length;

function expandUntil(state: State, stop: string | undefined, keepEscapes: boolean): { text: string; words: string[] } {
  let text = '';
  const words = new WordCollector();
  while (!atEnd(state)) {
    const run = takeRun(state, plainRun);
    text += run;
    words.addWhole(run);
    if (atEnd(state)) break;
    const character = next(state);
    if (character === stop) return { text, words: words.finish() };
    if (character === '$') {
      const value = expandDollar(state);
      text += value;
      words.addSplit(value);
    } else if (!state.options.ignoreQuotes && (character === "'" || character === '"')) {
      const quoted = character === "'" ? singleQuoted(state) : doubleQuoted(state, keepEscapes);
      text += quoted;
      words.addWhole(quoted);
    } else if (character === state.escape) {
      const escaped = next(state);
      const kept = (keepEscapes ? character : '') + escaped;
      text += kept;
      if (kept !== '') words.addWhole(kept);
    } else {
      text += character;
      words.addSplit(character);
    }
  }
  if (stop !== undefined) throw new Error(`unexpected end of statement while looking for matching ${stop}`);
  return { text, words: words.finish() };
}

class WordCollector {
  #word = '';
  readonly #words: string[] = [];

  addWhole(text: string): void {
    this.#word += text;
  }

  addSplit(text: string): void {
    if (text.length === 1 && !blank.test(text)) {
      this.#word += text;
      return;
    }
    const [first = '', ...rest] = text.split(blank);
    this.#word += first;
    for (const part of rest) {
      this.#end();
      this.#word = part;
    }
  }

  finish(): string[] {
    this.#end();
    return this.#words;
  }

  #end(): void {
    if (this.#word !== '') this.#words.push(this.#word);
    this.#word = '';
  }
}

function singleQuoted(state: State): string {
  const end = state.source.indexOf("'", state.at);
  if (end < 0) {
    state.at = state.source.length;
    throw new Error('unexpected end of statement while looking for matching single-quote');
  }
  const inside = state.source.slice(state.at, end);
  state.at = end + 1;
  return state.options.keepQuotes ? `'${inside}'` : inside;
}

function doubleQuoted(state: State, keepEscapes: boolean): string {
  const quote = state.options.keepQuotes ? '"' : '';
  let text = quote;
  while (!atEnd(state)) {
    text += takeRun(state, quotedRun);
    const character = next(state);
    if (character === '"') return text + quote;
    if (character === '$') text += expandDollar(state);
    else if (character === state.escape) {
      if (keepEscapes) text += character;
      const escaped = peek(state);
      if (escaped === '"' || escaped === '$' || escaped === state.escape) text += next(state);
      else if (escaped !== '') text += character;
    } else text += character;
  }
  throw new Error('unexpected end of statement while looking for matching double-quote');
}

function expandDollar(state: State): string {
  if (peek(state) !== '{') {
    const name = readName(state);
    if (name === '') return '$';
    return lookUp(state, name) ?? (state.options.keepUnset ? `$${name}` : '');
  }
  state.at += 1;
  if (atEnd(state)) throw missingBrace();
  if ('{}:'.includes(peek(state))) throw new Error('syntax error: bad substitution');
  state.depth += 1;
  if (state.depth > DEEPEST) throw new Error(`syntax error: more than ${DEEPEST} substitutions inside each other`);
  const value = expandBraces(state, readName(state));
  state.depth -= 1;
  return value;
}

function expandBraces(state: State, name: string): string {
  if (atEnd(state)) throw missingBrace();
  let operator = next(state);
  if (operator === '}') return lookUp(state, name) ?? (state.options.keepUnset ? `\${${name}}` : '');
  if (operator === '/') return expandReplacement(state, name);
  const colon = operator === ':';
  if (colon) operator = next(state);
  const written = (colon ? ':' : '') + operator;
  if (!'+-?#%'.includes(operator) || operator === '')
    throw new Error(`unsupported modifier (${written}) in substitution`);
  const isPattern = operator === '#' || operator === '%';
  const word = part(state, '}', isPattern, missingBrace);
  const value = lookUp(state, name, isPattern);
  if (value === undefined && state.options.keepUnset) return `\${${name}${written}${word}}`;
  if (isPattern) return trimmed(value ?? '', operator as '#' | '%', word);
  const absent = value === undefined || (colon && value === '');
  if (operator === '+') return absent ? '' : word;
  if (!absent) return value;
  if (operator === '-') return word;
  const reason = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
  throw new Error(`${name}: ${word || reason}`);
}

function trimmed(value: string, operator: '#' | '%', word: string): string {
  const longest = word.startsWith(operator);
  const pattern = parseShellPattern(longest ? word.slice(1) : word);
  return trimMatch(value, pattern, { from: operator === '#' ? 'start' : 'end', longest });
}

function expandReplacement(state: State, name: string): string {
  const all = peek(state) === '/';
  if (all) state.at += 1;
  const pattern = part(state, '/', true, () => new Error("syntax error: missing '/' in ${}"));
  const replacement = part(state, '}', true, missingBrace);
  const value = lookUp(state, name);
  if (value === undefined && state.options.keepUnset) return `\${${name}${all ? '//' : '/'}${pattern}/${replacement}}`;
  return replaceMatches(value ?? '', parseShellPattern(pattern), replacement, all);
}

function part(state: State, stop: string, keepEscapes: boolean, unended: () => Error): string {
  try {
    return expandUntil(state, stop, keepEscapes).text;
  } catch (error) {
    throw atEnd(state) ? unended() : error;
  }
}

function readName(state: State): string {
  const first = codePoint(state);
  if (/[1-9]/.test(first)) return take(state, /\d/);
  if (specialParameters.has(first)) return next(state);
  return nameStart.test(first) ? take(state, nameCharacter) : '';
}

function take(state: State, accepted: RegExp): string {
  const start = state.at;
  for (let character = codePoint(state); accepted.test(character); character = codePoint(state)) {
    state.at += character.length;
  }
  return state.source.slice(start, state.at);
}

function codePoint(state: State): string {
  const code = state.source.codePointAt(state.at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function lookUp(state: State, name: string, wanted = true): string | undefined {
  const value = state.variables.get(name);
  if (value !== undefined) state.used.add(name);
  else if (wanted) state.missing.add(name);
  return value;
}

const missingBrace = (): Error => new Error("syntax error: missing '}'");
const shortened = (text: string): string => (text.length > 200 ? `${text.slice(0, 200)}...` : text);
