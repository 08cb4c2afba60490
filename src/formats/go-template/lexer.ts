/**
 * Cuts a template into tokens, by the rules of Go's text/template/parse. A token's position is its offset in
 * UTF-16 units; what is wrong becomes one last token of kind `error`.
 */
export type TokenKind =
  | 'text'
  | 'left'
  | 'right'
  | 'identifier'
  | 'keyword'
  | 'field'
  | 'variable'
  | 'dot'
  | 'nil'
  | 'bool'
  | 'number'
  | 'character'
  | 'string'
  | 'pipe'
  | 'declare'
  | 'assign'
  | 'open'
  | 'close'
  | 'space'
  | 'other'
  | 'end'
  | 'error';

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly position: number;
  readonly line: number;
}

const keywords = new Set(['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'range', 'template', 'with']);
const spaces = ' \t\r\n';
const word = /[\p{L}\p{Nd}_]*/uy;
const number =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*|0[bB][01_]*|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)/y;
const quotes: Readonly<Record<string, [RegExp, string]>> = {
  '"': [/"(?:\\[^\n]|[^"\\\n])*"/y, 'unterminated quoted string'],
  '`': [/`[^`]*`/y, 'unterminated raw quoted string'],
  "'": [/'(?:\\[^\n]|[^'\\\n])*'/y, 'unterminated character constant'],
};

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const add: Add = (kind, start, end) => {
    tokens.push({ kind, text: text.slice(start, end), position: start, line: lineOf(text, start) });
    return end;
  };
  try {
    let at = 0;
    let trimNext = false;
    while (at < text.length) {
      const left = text.indexOf('{{', at);
      const trimBefore = left >= 0 && text[left + 2] === '-' && isSpace(text[left + 3]);
      at = addText(text, at, left < 0 ? text.length : left, trimNext, trimBefore, add);
      if (left < 0) break;
      at = left + (trimBefore ? 4 : 2);
      const comment = commentEnd(text, trimBefore ? at : left + 2);
      const action = comment ?? insideAction(text, left, at, add);
      at = action.end;
      trimNext = action.trim;
    }
    add('end', text.length, text.length);
  } catch (error) {
    if (!(error instanceof LexicalError)) throw error;
    tokens.push({ kind: 'error', text: error.message, position: error.position, line: lineOf(text, error.position) });
  }
  return tokens;
}

type Add = (kind: TokenKind, start: number, end: number) => number;

class LexicalError extends Error {
  readonly position: number;
  constructor(message: string, position: number) {
    super(message);
    this.position = position;
  }
}

function addText(text: string, start: number, end: number, trimStart: boolean, trimEnd: boolean, add: Add): number {
  let [from, to] = [start, end];
  while (trimStart && from < to && isSpace(text[from])) from += 1;
  while (trimEnd && to > from && isSpace(text[to - 1])) to -= 1;
  if (from < to) add('text', from, to);
  return end;
}

/** Where a comment that begins at `start` ends, its delimiter included; undefined when none begins there. */
function commentEnd(text: string, start: number): { end: number; trim: boolean } | undefined {
  if (!text.startsWith('/*', start)) return undefined;
  const close = text.indexOf('*/', start);
  if (close < 0) throw new LexicalError('unclosed comment', start);
  const right = rightDelimiter(text, close + 2);
  if (right === undefined) throw new LexicalError('comment ends before closing delimiter', start);
  return right;
}

function rightDelimiter(text: string, at: number): { end: number; trim: boolean } | undefined {
  if (text.startsWith('}}', at)) return { end: at + 2, trim: false };
  const trims = isSpace(text[at]) && text.startsWith('-}}', at + 1);
  return trims ? { end: at + 4, trim: true } : undefined;
}

function insideAction(text: string, left: number, start: number, add: Add): { end: number; trim: boolean } {
  add('left', left, left + 2);
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const right = rightDelimiter(text, at);
    if (right !== undefined) {
      if (depth > 0) throw new LexicalError('unclosed left paren', at);
      add('right', right.end - 2, right.end);
      return right;
    }
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth < 0) throw new LexicalError('unexpected right paren', at);
    at = nextToken(text, at, add);
  }
  throw new LexicalError('unclosed action', text.length);
}

/** Adds the token at `at` and returns where it ends. */
function nextToken(text: string, at: number, add: Add): number {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (isSpace(character)) return add('space', at, endOfSpace(text, at));
  const single = { '=': 'assign', '|': 'pipe', '(': 'open', ')': 'close' }[character] as TokenKind | undefined;
  if (single !== undefined) return add(single, at, at + 1);
  if (character === ':') {
    if (text[at + 1] !== '=') throw new LexicalError('expected :=', at);
    return add('declare', at, at + 2);
  }
  if (quotes[character] !== undefined) return quoted(text, at, character, add);
  if (character === '$' || (character === '.' && !/[0-9]/.test(text[at + 1] ?? '')))
    return fieldOrVariable(text, at, add);
  if (/[-+.0-9]/.test(character)) return numeric(text, at, add);
  if (/[\p{L}\p{Nd}_]/u.test(character)) return identifier(text, at, add);
  if (/[!-~]/.test(character)) return add('other', at, at + 1);
  throw new LexicalError(`unrecognized character in action: ${describe(character)}`, at);
}

/** A blank that belongs to a right delimiter's trim marker is left for it. */
function endOfSpace(text: string, at: number): number {
  let end = at;
  while (isSpace(text[end])) end += 1;
  return text.startsWith('-}}', end) && end - 1 > at ? end - 1 : end;
}

function quoted(text: string, at: number, quote: string, add: Add): number {
  const [pattern, message] = quotes[quote] ?? [/$/y, ''];
  const end = matchEnd(pattern, text, at);
  if (end === undefined) throw new LexicalError(message, at);
  return add(quote === "'" ? 'character' : 'string', at, end);
}

function fieldOrVariable(text: string, at: number, add: Add): number {
  const end = matchEnd(word, text, at + 1) ?? at + 1;
  requireTerminator(text, end);
  if (text[at] === '$') return add('variable', at, end);
  return add(end === at + 1 ? 'dot' : 'field', at, end);
}

function numeric(text: string, at: number, add: Add): number {
  const end = matchEnd(number, text, at) ?? at;
  const next = String.fromCodePoint(text.codePointAt(end) ?? 0);
  const digits = /[0-9]/.test(text.slice(at, end));
  if (/[\p{L}\p{Nd}_]/u.test(next)) {
    throw new LexicalError(`bad number syntax: ${JSON.stringify(text.slice(at, end) + next)}`, at);
  }
  if (!digits) throw new LexicalError(`bad number syntax: ${JSON.stringify(text.slice(at, end + 1))}`, at);
  return add('number', at, end);
}

function identifier(text: string, at: number, add: Add): number {
  const end = matchEnd(word, text, at) ?? at;
  requireTerminator(text, end);
  const name = text.slice(at, end);
  if (name === 'nil') return add('nil', at, end);
  if (name === 'true' || name === 'false') return add('bool', at, end);
  return add(keywords.has(name) ? 'keyword' : 'identifier', at, end);
}

/** What may follow a name. */
function requireTerminator(text: string, at: number): void {
  const next = text.codePointAt(at);
  if (next === undefined || text.startsWith('}}', at)) return;
  const character = String.fromCodePoint(next);
  if (!`${spaces}.,|:()`.includes(character)) throw new LexicalError(`bad character ${describe(character)}`, at);
}

function describe(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')} '${character}'`;
}

function matchEnd(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && character !== '' && spaces.includes(character);
}

export function lineOf(text: string, position: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < position; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}
