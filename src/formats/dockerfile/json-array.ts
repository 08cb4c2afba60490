import { SyntaxFault } from './source.ts';

/**
 * Reads arguments in JSON form: an array of strings. Undefined for anything else that is no JSON array, which is
 * then a shell command or words.
 * @throws SyntaxFault in Docker's words for an array with other elements.
 */
export function parseJsonArray(text: string): readonly string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every((element) => typeof element === 'string')) {
    throw new SyntaxFault('when using JSON array syntax, arrays must be comprised of strings only', '[');
  }
  return value;
}
