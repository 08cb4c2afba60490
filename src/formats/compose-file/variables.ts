/** Where variables come from. */
export type Lookup = (name: string) => string | undefined;

/** A template that cannot be read, or a variable that has to be set and is not. The message has no place yet. */
export class VariableError extends Error {
  /** Set for `${NAME:?text}`: what is wrong is the environment, not the file. */
  readonly missing: boolean;

  constructor(message: string, missing = false) {
    super(message);
    this.missing = missing;
  }
}

export interface Substitution {
  readonly lookup: Lookup;
  /** Hears of each variable that was used without a default and is not set. */
  readonly unset: (name: string) => void;
}

/** One use of a variable: `${NAME:-default}`. */
export interface VariableUse {
  readonly name: string;
  readonly required: boolean;
  readonly defaultValue: string;
  readonly alternate: string;
}

const nameStart = /[A-Za-z_]/;
const namePart = /[A-Za-z0-9_]/;
const maxLength = 1024 * 1024;

/**
 * Puts variables into a text by the rules of the compose specification: `$NAME`, `${NAME}`, `${NAME:-word}`,
 * `${NAME-word}`, `${NAME:?word}`, `${NAME?word}`, `${NAME:+word}`, `${NAME+word}`, where a word may hold variables
 * again; `$$` is a dollar sign. @throws VariableError.
 */
export function substitute(text: string, options: Substitution): string {
  if (!text.includes('$')) return text;
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      result += '$';
      at = dollar + 2;
    } else if (next === '{') {
      const close = closingBrace(text, dollar + 2);
      if (close < 0) throw badTemplate(text.slice(dollar));
      result += expand(text.slice(dollar + 2, close), options);
      at = close + 1;
    } else if (next !== undefined && nameStart.test(next)) {
      const end = nameEnd(text, dollar + 1);
      result += plain(text.slice(dollar + 1, end), options);
      at = end;
    } else throw badTemplate(text.slice(dollar));
    if (result.length > maxLength) throw new VariableError('the text becomes longer than a megabyte');
  }
  return result;
}

/** The variables of a text, those of defaults included; what cannot be read has none. */
export function variablesOf(text: string): VariableUse[] {
  const uses: VariableUse[] = [];
  for (let at = text.indexOf('$'); at >= 0 && at < text.length; at = text.indexOf('$', at)) {
    const next = text[at + 1];
    if (next === '{') {
      const close = closingBrace(text, at + 2);
      if (close < 0) return uses;
      const { name, operator, word } = split(text.slice(at + 2, close));
      uses.push({
        name,
        required: operator.endsWith('?'),
        defaultValue: operator.endsWith('-') ? word : '',
        alternate: operator.endsWith('+') ? word : '',
      });
      uses.push(...variablesOf(word));
      at = close + 1;
    } else if (next !== undefined && nameStart.test(next)) {
      const end = nameEnd(text, at + 1);
      uses.push({ name: text.slice(at + 1, end), required: false, defaultValue: '', alternate: '' });
      at = end;
    } else at += 2;
  }
  return uses;
}

function expand(inner: string, options: Substitution): string {
  const { name, operator, word } = split(inner);
  if (operator === '') return plain(name, options);
  const value = options.lookup(name);
  const set = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  switch (operator.at(-1)) {
    case '-':
      return set ? value! : substitute(word, options);
    case '+':
      return set ? substitute(word, options) : '';
    default:
      if (set) return value!;
      throw new VariableError(
        `required variable ${name} is missing a value${word === '' ? '' : `: ${substitute(word, options)}`}`,
        true,
      );
  }
}

function plain(name: string, { lookup, unset }: Substitution): string {
  const value = lookup(name);
  if (value === undefined) unset(name);
  return value ?? '';
}

function split(inner: string): { name: string; operator: string; word: string } {
  const end = nameEnd(inner, 0);
  const name = inner.slice(0, end);
  const operator = /^:?[-?+]/.exec(inner.slice(end))?.[0] ?? '';
  const word = inner.slice(end + operator.length);
  if (name === '' || !nameStart.test(name[0]!) || (operator === '' && word !== '')) throw badTemplate(`\${${inner}}`);
  return { name, operator, word };
}

function nameEnd(text: string, from: number): number {
  let end = from;
  while (end < text.length && namePart.test(text[end]!)) end++;
  return end;
}

/** Where the brace that was opened before `from` is closed, or -1. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('${', at)) {
      depth++;
      at++;
    } else if (text.startsWith('$$', at)) at++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  return -1;
}

const badTemplate = (rest: string): VariableError =>
  new VariableError(`invalid interpolation format.\nYou may need to escape any $ with another $.\n${rest}`);
