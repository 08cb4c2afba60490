/** A pattern of `${x#pattern}`: characters, `?` and `*`. Brackets are characters. */
export type ShellPattern = readonly PatternPart[];
type PatternPart = { readonly character: string } | 'any' | 'star';

/** Comparisons that one substitution may take, so that a hostile pattern cannot hold the engine. */
const MOST_WORK = 100_000_000;

/**
 * Parses the pattern of a substitution. `\` escapes `*`, `?`, `\`, and `}` and `/` for the substitution around it.
 * @throws Error for another escape.
 */
export function parseShellPattern(text: string): ShellPattern {
  const parts: PatternPart[] = [];
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? '';
    if (character === '*') {
      if (parts.at(-1) !== 'star') parts.push('star');
    } else if (character === '?') parts.push('any');
    else if (character !== '\\') parts.push({ character });
    else {
      at += 1;
      const escaped = characters[at];
      if (escaped === undefined || !'}/*?\\'.includes(escaped)) {
        throw new Error(`invalid pattern (${text}) in substitution: invalid escape '\\${escaped ?? ''}'`);
      }
      parts.push({ character: escaped });
    }
  }
  return parts;
}

/** Takes off the shortest or longest match of the pattern at one end. The value itself when nothing matches. */
export function trimMatch(
  value: string,
  pattern: ShellPattern,
  { from, longest }: { from: 'start' | 'end'; longest: boolean },
): string {
  const characters = Array.from(value);
  if (from === 'start') {
    const end = matchAt(characters, 0, pattern, longest);
    return end === undefined ? value : characters.slice(end).join('');
  }
  const end = matchAt(characters.toReversed(), 0, pattern.toReversed(), longest);
  return end === undefined ? value : characters.slice(0, characters.length - end).join('');
}

/** Replaces the first or every match, each as long as it can be. */
export function replaceMatches(value: string, pattern: ShellPattern, replacement: string, all: boolean): string {
  const characters = Array.from(value);
  const result: string[] = [];
  let at = 0;
  let work = 0;
  for (let lastEnd = -1; at <= characters.length; ) {
    const end = matchAt(characters, at, pattern, true);
    work += (characters.length - at + 1) * (pattern.length + 1);
    if (work > MOST_WORK) throw tooMuch();
    if (end !== undefined && !(end === at && at === lastEnd)) {
      result.push(replacement);
      if (!all) return result.join('') + characters.slice(end).join('');
      lastEnd = end;
      if (end > at) {
        at = end;
        continue;
      }
    }
    result.push(characters[at] ?? '');
    at += 1;
  }
  return result.join('');
}

/** Where a match that starts there ends, by following all ways through the pattern at once. */
function matchAt(
  characters: readonly string[],
  start: number,
  pattern: ShellPattern,
  longest: boolean,
): number | undefined {
  if ((characters.length - start) * pattern.length > MOST_WORK) throw tooMuch();
  let states = new Set(reachable(pattern, [0]));
  let end: number | undefined;
  for (let at = start; ; at += 1) {
    if (states.has(pattern.length)) {
      end = at;
      if (!longest) return end;
    }
    const character = characters[at];
    if (character === undefined || states.size === 0) return end;
    const following: number[] = [];
    for (const state of states) {
      const part = pattern[state];
      if (part === undefined || character === '\n') {
        if (typeof part === 'object' && part.character === character) following.push(state + 1);
      } else if (part === 'star') following.push(state);
      else if (part === 'any' || part.character === character) following.push(state + 1);
    }
    states = new Set(reachable(pattern, following));
  }
}

function reachable(pattern: ShellPattern, states: readonly number[]): number[] {
  return states.flatMap((state) => (pattern[state] === 'star' ? [state, state + 1] : [state]));
}

const tooMuch = (): Error => new Error('the pattern and the value of the substitution are too long');
