import { invalid } from '../base/errors.ts';

/** A JSON array of strings, as the exec forms of Dockerfile instructions have it; undefined for anything else. */
export function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.every((word) => typeof word === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Splits at blanks as a shell does: quotes group, a backslash takes the next character as it is. */
export function splitWords(text: string): string[] {
  return rawWords(text).map(unquote);
}

/**
 * `name=value` pairs, or in the old form one name, a blank, and a value up to the line's end.
 * @throws invalid in Docker's words.
 */
export function parsePairs(text: string, instruction: string): [string, string][] {
  const words = rawWords(text);
  const [first = ''] = words;
  if (!first.includes('=')) {
    const value = text.slice(first.length).trim();
    if (value === '') throw invalid(`${instruction} must have two arguments`, { code: 'bad-change' });
    return [[unquote(first), value]];
  }
  return words.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 0) {
      throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`, {
        code: 'bad-change',
      });
    }
    const name = unquote(word.slice(0, equals));
    if (name === '') throw invalid(`${instruction} names can not be blank`, { code: 'bad-change' });
    return [name, unquote(word.slice(equals + 1))];
  });
}

/** The words with their quotes still on. */
function rawWords(text: string): string[] {
  return text.match(/(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s])+/gs) ?? [];
}

function unquote(word: string): string {
  return word.replace(
    /"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/gs,
    (_, double?: string, single?: string, escaped?: string) => {
      if (double !== undefined) return double.replace(/\\(["\\$])/g, '$1');
      return single ?? escaped ?? '';
    },
  );
}
