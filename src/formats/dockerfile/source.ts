import { isUtf8 } from 'node:buffer';
import { messageOf, TugError } from '../../base/errors.ts';
import type { LineRange } from './types.ts';

/** The text of a Dockerfile, by lines. */
export interface Source {
  /** As messages name it. */
  readonly fileName: string;
  /** Without `\n`, but with a `\r` that stood before it. */
  readonly lines: readonly string[];
  /** Lines, counted from 1, that are not UTF-8. */
  readonly damaged: ReadonlySet<number>;
}

const NEWLINE = 10;

/** Splits a file into lines. A byte order mark is taken off. Bytes that are not UTF-8 become U+FFFD. */
export function readSource(input: string | Uint8Array, fileName: string): Source {
  const text = typeof input === 'string' ? input.replace(/^\ufeff/, '') : new TextDecoder().decode(input);
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return { fileName, lines, damaged: typeof input === 'string' || isUtf8(input) ? new Set() : damagedLines(input) };
}

function damagedLines(bytes: Uint8Array): Set<number> {
  const damaged = new Set<number>();
  for (let line = 1, start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) damaged.add(line);
    start = end + 1;
  }
  return damaged;
}

/** Where in a file something is wrong. */
export interface Place {
  readonly lines: LineRange;
  /** The text to point at: its first occurrence in these lines, from `from` on. Absent: the first line's start. */
  readonly near?: string;
  readonly from?: { readonly line: number; readonly column: number };
}

/** Thrown while one instruction is read, by what does not know where in the file it stands; `locateError` says it. */
export class SyntaxFault extends TugError {
  readonly near: string | undefined;

  constructor(message: string, near?: string) {
    super('invalid', message, { code: 'dockerfile-syntax' });
    this.near = near;
  }
}

const WIDEST = 160;
const LONGEST_MESSAGE = 400;

/**
 * The error for a place in a Dockerfile that cannot be parsed: Docker's sentence, the file with line and column, the
 * line and a caret. `details` has `file`, `line` and `column`, both counted from 1; `code` is `dockerfile-syntax`.
 */
export function locateError(source: Source, place: Place, error: unknown): TugError {
  const { line } = find(source.lines, place);
  return pointAt(source, place, `dockerfile parse error on line ${line}: ${messageOf(error)}`, error);
}

/** The error for a place in a Dockerfile, with this sentence; the rest is as `locateError` has it. */
export function pointAt(
  { fileName, lines }: Pick<Source, 'fileName' | 'lines'>,
  place: Place,
  message: string,
  cause: unknown,
): TugError {
  const { line, column } = find(lines, place);
  const shown = message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}...` : message;
  return new TugError('invalid', [shown, `${fileName}:${line}:${column}`, excerpt(lines, line, column)].join('\n'), {
    code: 'dockerfile-syntax',
    cause,
    details: { file: fileName, line, column },
  });
}

function find(lines: readonly string[], { lines: range, near, from }: Place): { line: number; column: number } {
  if (near !== undefined && near !== '') {
    for (let line = from?.line ?? range.first; line <= range.last; line += 1) {
      const start = line === from?.line ? from.column - 1 : 0;
      const at = lines[line - 1]?.indexOf(near, start) ?? -1;
      if (at >= 0) return { line, column: at + 1 };
    }
  }
  if (from !== undefined) return from;
  const indent = /^\s*/.exec(lines[range.first - 1] ?? '')?.[0].length ?? 0;
  return { line: range.first, column: indent + 1 };
}

/** The line with its number, cut to what a terminal shows, and a caret below the column. */
export function excerpt(lines: readonly string[], line: number, column: number): string {
  const text = lines[line - 1] ?? '';
  const start = column <= WIDEST - 20 ? 0 : column - 1 - WIDEST / 2;
  const shown = text.slice(start, start + WIDEST).replace(/[\r\t]/g, ' ');
  const gutter = String(line).padStart(4);
  const caret = ' '.repeat(Math.max(0, column - 1 - start)) + '^';
  return [`${gutter} | ${shown}`.trimEnd(), `${' '.repeat(gutter.length)} | ${caret}`].join('\n');
}
