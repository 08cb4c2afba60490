import { SyntaxFault } from './source.ts';
import type { KeyValue } from './types.ts';

const blank = /\s/;

/**
 * Splits arguments at blanks that are neither quoted nor escaped. Quotes and escapes stay: `expandWord` takes them
 * off.
 */
export function splitWords(text: string, escapeToken: string): string[] {
  const words: string[] = [];
  let start = -1;
  let quote = '';
  let at = 0;
  for (; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (start < 0) {
      if (blank.test(character)) continue;
      start = at;
    }
    if (character === escapeToken && quote !== "'") at += 1;
    else if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (blank.test(character)) {
      words.push(text.slice(start, at));
      start = -1;
    }
  }
  if (start >= 0) words.push(text.slice(start, at > text.length ? text.length - 1 : at));
  return words.filter((word) => word !== '');
}

/** Splits arguments at blanks alone, as FROM, EXPOSE, COPY and VOLUME do. */
export function splitAtBlanks(text: string): string[] {
  const trimmed = text.trim();
  return trimmed === '' ? [] : trimmed.split(/\s+/);
}

/**
 * Reads the arguments of ENV and LABEL: `key=value ...`, or the old `key value`, which the first word without a `=`
 * tells.
 * @throws SyntaxFault in Docker's words.
 */
export function readKeyValues(name: string, text: string, escapeToken: string): { pairs: KeyValue[]; legacy: boolean } {
  const words = splitWords(text, escapeToken);
  const [first] = words;
  if (first === undefined) throw new SyntaxFault(`${name} requires at least one argument`);
  if (!first.includes('=')) {
    const [, key = '', value] = /^(\S+)\s+([\s\S]*)$/.exec(text.trim()) ?? [];
    if (value === undefined) throw new SyntaxFault(`${name} must have two arguments`, first);
    return { pairs: [{ key, value }], legacy: true };
  }
  const pairs = words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) {
      const shown = JSON.stringify(word.slice(0, 200));
      throw new SyntaxFault(`Syntax error - can't find = in ${shown}. Must be of the form: name=value`, word);
    }
    if (equals === 0) throw new SyntaxFault(`${name} names can not be blank`, word);
    return { key: word.slice(0, equals), value: word.slice(equals + 1) };
  });
  return { pairs, legacy: false };
}
