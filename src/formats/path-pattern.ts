import { invalid } from '../base/errors.ts';

/** One step of a pattern. */
type Part =
  | { readonly kind: 'character'; readonly character: string }
  /** `?`: one character, no `/`. */
  | { readonly kind: 'any' }
  /** `*`: any characters, no `/`. */
  | { readonly kind: 'star' }
  /** `**` before something else: nothing, or what `inside` takes. */
  | { readonly kind: 'folders' }
  /** Always behind `folders`: anything up to and with a `/`. */
  | { readonly kind: 'inside' }
  /** `**` at the end: anything. */
  | { readonly kind: 'rest' }
  /** `[a-z]`, `[^a-z]`. */
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] };

/** A pattern for paths with `/`, compiled. */
export interface PathPattern {
  readonly text: string;
  /** True if the whole path matches. */
  matches(path: string): boolean;
  /** True if something below this folder could match; never false when something does. */
  mayMatchBelow(folder: string): boolean;
}

export interface PathPatternOptions {
  /** `**` matches over folders; else it is `*` twice. */
  readonly folders?: boolean;
}

/**
 * Compiles a pattern of Go's `filepath.Match`: `*`, `?`, `[a-z]`, `[^a]`, `\` before a character that is to be taken as
 * it is; with `folders`, `**` too, as .dockerignore has it. Matching takes no more than a time
 * linear in pattern times path, or a square of the path, whatever the pattern.
 * @throws invalid `syntax error in pattern`.
 */
export function compilePathPattern(text: string, { folders = false }: PathPatternOptions = {}): PathPattern {
  const parts = parseParts(text, folders);
  const literal = literalPrefix(parts);
  if (literal.length === parts.length) return literalPattern(text, literal.join(''));
  const prefix = literal.join('');
  const expression = toExpression(parts);
  const matches = expression
    ? (path: string): boolean => expression.test(path)
    : (path: string): boolean => run(parts, path).has(parts.length);
  return {
    text,
    matches: (path) => path.startsWith(prefix) && matches(path),
    mayMatchBelow(folder) {
      const inside = `${folder}/`;
      const common = Math.min(inside.length, prefix.length);
      return (
        inside.slice(0, common) === prefix.slice(0, common) &&
        [...run(parts, inside)].some((state) => state < parts.length)
      );
    },
  };
}

/** More wildcards than these take a regular expression too long on a hostile path. */
const FEW_WILDCARDS = 2;
const wildcards: ReadonlySet<Part['kind']> = new Set(['star', 'folders', 'rest']);

function toExpression(parts: readonly Part[]): RegExp | undefined {
  if (parts.filter(({ kind }) => wildcards.has(kind)).length > FEW_WILDCARDS) return undefined;
  return new RegExp(`^${parts.map(partSource).join('')}$`, 'su');
}

const quoted = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
const quotedInClass = (character: string): string => character.replace(/[\\\]^-]/, '\\$&');

function partSource(part: Part): string {
  if (part.kind === 'character') return quoted(part.character);
  if (part.kind === 'any') return '[^/]';
  if (part.kind === 'star') return '[^/]*';
  if (part.kind === 'folders') return '(?:.*/)?';
  if (part.kind === 'inside') return '';
  if (part.kind === 'rest') return '.*';
  // A range the wrong way round matches nothing, and is a syntax error to RegExp.
  const ranges = part.ranges.filter(([first, last]) => compare(first, last) <= 0);
  if (ranges.length === 0) return part.negated ? '.' : '(?!)';
  const inside = ranges.map(([first, last]) => `${quotedInClass(first)}-${quotedInClass(last)}`).join('');
  return `[${part.negated ? '^' : ''}${inside}]`;
}

const compare = (a: string, b: string): number => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0);

function literalPattern(text: string, literal: string): PathPattern {
  return {
    text,
    matches: (path) => path === literal,
    mayMatchBelow: (folder) => literal.length > folder.length + 1 && literal.startsWith(`${folder}/`),
  };
}

function literalPrefix(parts: readonly Part[]): string[] {
  const literal: string[] = [];
  for (const part of parts) {
    if (part.kind !== 'character') break;
    literal.push(part.character);
  }
  return literal;
}

function parseParts(text: string, folders: boolean): Part[] {
  const characters = Array.from(text);
  const parts: Part[] = [];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*' && folders && characters[at + 1] === '*') {
      at += characters[at + 2] === '/' ? 2 : 1;
      if (at + 1 >= characters.length) parts.push({ kind: 'rest' });
      else parts.push({ kind: 'folders' }, { kind: 'inside' });
    } else if (character === '*') parts.push({ kind: 'star' });
    else if (character === '?') parts.push({ kind: 'any' });
    else if (character === '[') {
      const { part, end } = parseClass(text, characters, at);
      parts.push(part);
      at = end;
    } else if (character === '\\') {
      at += 1;
      parts.push({ kind: 'character', character: escaped(text, characters[at]) });
    } else parts.push({ kind: 'character', character });
  }
  return parts;
}

function parseClass(text: string, characters: readonly string[], start: number): { part: Part; end: number } {
  let at = start + 1;
  const negated = characters[at] === '^';
  if (negated) at += 1;
  const ranges: [string, string][] = [];
  const next = (): string => {
    const character = characters[at];
    if (character === undefined || character === '-' || character === ']') throw syntaxError(text);
    at += character === '\\' ? 2 : 1;
    return character === '\\' ? escaped(text, characters[at - 1]) : character;
  };
  do {
    const first = next();
    let last = first;
    if (characters[at] === '-') {
      at += 1;
      last = next();
    }
    ranges.push([first, last]);
  } while (characters[at] !== ']');
  return { part: { kind: 'class', negated, ranges }, end: at };
}

function escaped(text: string, character: string | undefined): string {
  if (character === undefined) throw syntaxError(text);
  return character;
}

/** The positions in the pattern that the path leads to, by following all ways at once. */
function run(parts: readonly Part[], path: string): ReadonlySet<number> {
  let states = withEmptyMatches(parts, [0]);
  for (const character of path) {
    if (states.size === 0) return states;
    const following: number[] = [];
    for (const state of states) {
      const part = parts[state];
      if (part === undefined) continue;
      if (part.kind === 'rest' || (part.kind === 'star' && character !== '/')) following.push(state);
      else if (part.kind === 'inside') following.push(state, ...(character === '/' ? [state + 1] : []));
      else if (accepts(part, character)) following.push(state + 1);
    }
    states = withEmptyMatches(parts, following);
  }
  return states;
}

function accepts(part: Part, character: string): boolean {
  if (part.kind === 'character') return part.character === character;
  if (part.kind === 'any') return character !== '/';
  if (part.kind !== 'class') return false;
  return (
    part.ranges.some(([first, last]) => compare(first, character) <= 0 && compare(character, last) <= 0) !==
    part.negated
  );
}

/** Adds the positions that are reached without a character: after `*` and `**`. */
function withEmptyMatches(parts: readonly Part[], positions: readonly number[]): Set<number> {
  const states = new Set(positions);
  for (const state of states) {
    const kind = parts[state]?.kind;
    if (kind === 'star' || kind === 'folders' || kind === 'rest') states.add(state + 1);
    if (kind === 'folders') states.add(state + 2);
  }
  return states;
}

const syntaxError = (text: string): Error => invalid(`syntax error in pattern: ${JSON.stringify(text)}`);
