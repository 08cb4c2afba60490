import type { Source } from './source.ts';
import { locateError } from './source.ts';
import type { Directives } from './types.ts';

const directive = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*?)\s*$/;
const known = new Set(['syntax', 'escape', 'check']);

/** The directives of a file and how many of its first lines they are. */
export interface DirectiveBlock {
  readonly directives: Directives;
  readonly lines: number;
}

/**
 * Reads the parser directives: comments of the form `# name=value` before anything else. The first line that is
 * none, also an unknown one, ends them. A first line `#!...` is passed over.
 * @throws invalid for one that is given twice, or an escape that is neither `\` nor a backquote.
 */
export function readDirectives(source: Source): DirectiveBlock {
  const found = new Map<string, string>();
  let line = source.lines[0]?.startsWith('#!') ? 1 : 0;
  for (; line < source.lines.length; line += 1) {
    const text = source.lines[line]?.trim() ?? '';
    const match = text.length > 4096 ? null : directive.exec(text);
    const [, name = '', value = ''] = match ?? [];
    const key = name.toLowerCase();
    if (!known.has(key)) break;
    const fail = (message: string): Error =>
      locateError(source, { lines: { first: line + 1, last: line + 1 } }, new Error(message));
    if (found.has(key)) throw fail(`only one ${key} parser directive can be used`);
    if (key === 'escape' && value !== '\\' && value !== '`') {
      throw fail(`invalid escape token '${value}' does not match \` or \\`);
    }
    found.set(key, value);
  }
  const syntax = found.get('syntax')?.split(' ', 1)[0];
  const check = found.get('check');
  return {
    directives: {
      ...(syntax === undefined ? {} : { syntax }),
      escape: found.get('escape') === '`' ? '`' : '\\',
      ...(check === undefined ? {} : { check }),
    },
    lines: line,
  };
}
