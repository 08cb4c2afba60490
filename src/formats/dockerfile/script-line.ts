import { parseHeredocMarker } from './heredoc.ts';
import { joinLines } from './statements.ts';
import type { Dockerfile, RunInstruction } from './types.ts';

/**
 * The line of the file, counted from 1, that a place in the script of a RUN stands on (`runScript`, shell form).
 * Undefined where it is not there: the instruction is of another file.
 */
export function lineOfScript(
  { lines, directives }: Pick<Dockerfile, 'lines' | 'directives'>,
  { statement, command }: RunInstruction,
  offset: number,
): number | undefined {
  if (command.form !== 'shell') return undefined;
  const { pieces, end } = joinLines(lines, statement.lines.first - 1, directives.escape);
  const joined = pieces
    .map(({ text }) => text)
    .join('')
    .trimEnd();
  if (!joined.endsWith(command.text)) return undefined;
  const [heredoc] = statement.heredocs;
  if (heredoc && parseHeredocMarker(command.text) !== undefined)
    return end + heredoc.content.slice(0, offset).split('\n').length;
  if (offset >= command.text.length) return undefined;
  let left = joined.length - command.text.length + offset;
  for (const { line, text } of pieces) {
    if (left < text.length) return line;
    left -= text.length;
  }
  return undefined;
}
