import { locateError } from './source.ts';
import type { Dockerfile, Statement } from './types.ts';

/**
 * Runs what may fail for an instruction of a parsed file, so that the error names the place: file, line and column of
 * `near`, the line and a caret.
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
  const source = { fileName: dockerfile.fileName, lines: dockerfile.lines, damaged: new Set<number>() };
  const { lines, keyword } = statement;
  const column = (dockerfile.lines[lines.first - 1] ?? '').indexOf(keyword) + 1;
  const from = { line: lines.first, column: Math.max(1, column) };
  return locateError(source, { lines, from, ...(near === undefined ? {} : { near }) }, error);
}
