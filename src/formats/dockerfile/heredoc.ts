import { type ExpandOptions, expandWord } from './expand-word.ts';
import type { Heredoc } from './types.ts';

/** A heredoc whose text is still to be read. */
export type HeredocMarker = Omit<Heredoc, 'content'>;

const marker = /^(\d*)<<(-?)([^<]+)$/;
const nothing: ReadonlyMap<string, string> = new Map();

/**
 * Reads a word as a heredoc's marker: `<<EOF`, `<<-EOF`, `<<"EOF"`, `3<<EOF`. Undefined for another word, also for one
 * with a quote that is not closed. A name with quotes says that nothing in the text is expanded.
 */
export function parseHeredocMarker(word: string): HeredocMarker | undefined {
  const match = marker.exec(word);
  if (match === null) return undefined;
  const [, descriptor = '', dash = '', rest = ''] = match;
  const [name, ...more] = splitQuoted(rest, { keepUnset: true });
  const [raw = ''] = splitQuoted(rest, { keepUnset: true, keepQuotes: true });
  if (name === undefined || more.length > 0) return undefined;
  return {
    name,
    expand: countQuotes(name) === countQuotes(raw),
    chomp: dash === '-',
    fileDescriptor: descriptor === '' ? 0 : Number(descriptor),
  };
}

function splitQuoted(text: string, options: ExpandOptions): readonly string[] {
  try {
    return expandWord(text, nothing, options).words;
  } catch {
    return [];
  }
}

const countQuotes = (text: string): number => text.split(/['"]/).length - 1;

/** The markers in an instruction's line, in order. None when its quotes are not closed. */
export function findHeredocMarkers(line: string): HeredocMarker[] {
  const words = splitQuoted(line, { keepUnset: true, keepQuotes: true, keepEscapes: true });
  return words.flatMap((word) => parseHeredocMarker(word) ?? []);
}

/** The text of a heredoc from its lines: leading tabs taken off where its marker says so. */
export function heredocContent({ chomp }: HeredocMarker, lines: readonly string[]): string {
  return lines.map((line) => `${chomp ? line.replace(/^\t+/, '') : line}\n`).join('');
}
