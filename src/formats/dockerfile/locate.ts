import { messageOf } from '../../base/errors.ts';
import { pointAt, SyntaxFault } from './source.ts';
import type { Dockerfile, Statement } from './types.ts';

/**
 * Runs what may fail for an instruction of a parsed file, so that the error names the place: file, line and column of
 * `near`, or of what the error itself points at, the line and a caret.
 */
export function locateIn<Result>(
  dockerfile: Dockerfile,
  statement: Statement,
  near: string,
  run: () => Result,
): Result {
  try {
    return run();
  } catch (error) {
    throw errorAt(dockerfile, statement, error, near);
  }
}

/** An error with the place of an instruction, at `near` if that is in it. */
export function errorAt(dockerfile: Dockerfile, statement: Statement, error: unknown, near?: string): Error {
  const from = keywordOf(dockerfile.lines, statement);
  const place = error instanceof SyntaxFault ? error.near : near;
  const where = { lines: statement.lines, from, ...(place === undefined ? {} : { near: place }) };
  return pointAt(dockerfile, where, messageOf(error), error);
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where an instruction's keyword stands: not on its first line, where that is an escape character alone. */
function keywordOf(fileLines: readonly string[], { lines, keyword }: Statement): Position {
  for (let line = lines.first; line <= lines.last; line += 1) {
    const column = (fileLines[line - 1] ?? '').indexOf(keyword) + 1;
    if (column > 0) return { line, column };
  }
  return { line: lines.first, column: 1 };
}

/** Where an instruction's arguments begin on the line of its keyword; the keyword, if nothing follows it there. */
export function argumentsOf(fileLines: readonly string[], statement: Statement): Position {
  const { line, column } = keywordOf(fileLines, statement);
  const text = fileLines[line - 1] ?? '';
  const after = column - 1 + statement.keyword.length;
  const gap = /^\s*/.exec(text.slice(after))?.[0].length ?? 0;
  return { line, column: after + gap < text.length ? after + gap + 1 : column };
}
