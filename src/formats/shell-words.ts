import { invalid } from '../base/errors.ts';

/**
 * Splits a line into words as a shell does before it expands anything: at blanks, with single quotes, double quotes
 * and backslashes (POSIX, Shell Command Language 2.2). Nothing is expanded.
 * @throws invalid for a quote that is not closed.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    const next = line.charAt(at + 1);
    const escapes =
      character === '\\' && quote !== "'" && (quote === undefined || ['"', '\\', '$', '`'].includes(next));
    if (escapes && next !== '') {
      word = (word ?? '') + next;
      at += 1;
    } else if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (quote === undefined && /\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote !== undefined) throw invalid(`a quote is not closed: ${line}`);
  return word === undefined ? words : [...words, word];
}
