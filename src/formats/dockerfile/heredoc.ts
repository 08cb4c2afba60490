import { expandWord } from './expand-word.ts';
import type { Heredoc } from './types.ts';

/** A heredoc whose text is still to be read. */
export type HeredocMarker = Omit<Heredoc, 'content'>;

const marker = /^(\d*)<<(-?)([^<]+)$/;
const nothing: ReadonlyMap<string, string> = new Map();

/**
 * Reads a word as a heredoc's marker: `<<EOF`, `<<-EOF`, `<<"EOF"`, `3<<EOF`. Undefined for another word.
 * A name with quotes says that nothing in the text is expanded.
 * @throws invalid for a quote that is not closed.
 */
export function parseHeredocMarker(word: string): HeredocMarker | undefined {
  const match = marker.exec(word);
  if (match === null) return undefined;
  const [, descriptor = '', dash = '', rest = ''] = match;
  const { words } = expandWord(rest, nothing, { keepUnset: true });
  const [raw = ''] = expandWord(rest, nothing, { keepUnset: true, keepQuotes: true }).words;
  const [name, ...more] = words;
  if (name === undefined || more.length > 0) return undefined;
  return {
    name,
    expand: countQuotes(name) === countQuotes(raw),
    chomp: dash === '-',
    fileDescriptor: descriptor === '' ? 0 : Number(descriptor),
  };
}

const countQuotes = (text: string): number => text.split(/['"]/).length - 1;

/** The markers in an instruction's line, in order. None when its quotes are not closed. */
export function findHeredocMarkers(line: string): HeredocMarker[] {
  let words: readonly string[];
  try {
    ({ words } = expandWord(line, nothing, { keepUnset: true, keepQuotes: true, keepEscapes: true }));
  } catch {
    return [];
  }
  return words.flatMap((word) => parseHeredocMarker(word) ?? []);
}

/** The text of a heredoc from its lines: leading tabs taken off where its marker says so. */
export function heredocContent({ chomp }: HeredocMarker, lines: readonly string[]): string {
  return lines.map((line) => `${chomp ? line.replace(/^\t+/, '') : line}\n`).join('');
}
