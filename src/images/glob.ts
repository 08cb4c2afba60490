import { invalid } from '../base/errors.ts';

/**
 * A pattern of Go's path.Match as a regular expression: `*` and `?` stop at a slash, `[a-z]` and `[^a]` are
 * classes, a backslash takes the next character as it is. @throws invalid for a malformed pattern.
 */
export function globToRegExp(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern[at]!;
    if (char === '*') source += source.endsWith('[^/]*') ? '' : '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const end = classEnd(pattern, at);
      source += classSource(pattern.slice(at + 1, end));
      at = end;
    } else if (char === '\\') {
      at += 1;
      if (at >= pattern.length) throw bad(pattern);
      source += literal(pattern[at]!);
    } else source += literal(char);
  }
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    throw bad(pattern);
  }
}

function classEnd(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1;
    else if (pattern[at] === ']' && at > start + 1) return at;
  }
  throw bad(pattern);
}

function classSource(body: string): string {
  const negated = body.startsWith('^');
  const inner = (negated ? body.slice(1) : body).replace(/\\(.)|([[\]^])/gs, (_, escaped?: string, plain?: string) => {
    const char = escaped ?? plain ?? '';
    return /[\\\]^[-]/.test(char) ? `\\${char}` : char;
  });
  return `[${negated ? '^' : ''}${inner}]`;
}

const literal = (char: string): string => char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
const bad = (pattern: string): Error => invalid(`invalid pattern ${JSON.stringify(pattern)}`, { code: 'bad-pattern' });
