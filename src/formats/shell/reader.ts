import { TugError } from '../../base/errors.ts';

/** Shells differ in what they take for syntax: `bash`, or `posix` for dash and busybox. */
export type Dialect = 'bash' | 'posix';

/** Thrown for text that this reader does not understand, or that the shells understand differently. */
export class Unsure extends TugError {
  constructor(what: string) {
    super('invalid', `not understood: ${what}`);
  }
}

/** A place in a script, and the heredocs whose text is still to come. */
export interface Reader {
  readonly text: string;
  readonly dialect: Dialect;
  at: number;
  /** Where the last token ended. */
  end: number;
  depth: number;
  readonly heredocs: { readonly name: string; readonly strip: boolean; readonly quoted: boolean }[];
}

export const createReader = (text: string, dialect: Dialect): Reader => ({
  ...{ text, dialect, at: 0, end: 0, depth: 0, heredocs: [] },
});

const deepest = 50;

/** Reads something that may hold itself. @throws Unsure when it is nested too deeply. */
export function nested<Result>(reader: Reader, read: () => Result): Result {
  reader.depth += 1;
  if (reader.depth > deepest) throw new Unsure('too deep');
  const result = read();
  reader.depth -= 1;
  return result;
}

/** Takes a token if it is next. */
export function take(reader: Reader, token: string): boolean {
  if (!reader.text.startsWith(token, reader.at)) return false;
  reader.at += token.length;
  reader.end = reader.at;
  return true;
}

/** Passes over blanks, continued lines and a comment. */
export function skipBlanks(reader: Reader): void {
  const { text } = reader;
  for (;;) {
    const character = text[reader.at];
    if (character === ' ' || character === '\t') reader.at += 1;
    else if (text.startsWith('\\\n', reader.at)) reader.at += 2;
    else if (character === '#') {
      const newline = text.indexOf('\n', reader.at);
      reader.at = newline < 0 ? text.length : newline;
    } else return;
  }
}

/** Passes over blanks and line ends, and over the text of heredocs behind these. */
export function skipLines(reader: Reader): void {
  skipBlanks(reader);
  while (reader.text[reader.at] === '\n') {
    newline(reader);
    skipBlanks(reader);
  }
}

/** Passes over the end of a line, and over the heredocs that begin after it. @throws Unsure for one without an end. */
export function newline(reader: Reader): void {
  reader.at += 1;
  for (const { name, strip, quoted } of reader.heredocs.splice(0)) {
    for (;;) {
      if (reader.at >= reader.text.length) throw new Unsure('a heredoc without an end');
      const found = reader.text.indexOf('\n', reader.at);
      const end = found < 0 ? reader.text.length : found;
      const line = reader.text.slice(reader.at, end);
      reader.at = found < 0 ? end : end + 1;
      if ((strip ? line.replace(/^\t+/, '') : line) === name) break;
      if (!quoted && line.endsWith('\\')) throw new Unsure('a continued line in a heredoc');
    }
  }
}
