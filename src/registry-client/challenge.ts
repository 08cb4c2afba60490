/** One challenge of a `WWW-Authenticate` header; `scheme` in lower case, parameter names too. */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const quoted = /"((?:[^"\\]|\\.)*)"/y;
const gap = /[\s,]*/y;
const equals = /\s*=\s*/y;

/**
 * Reads the challenges of a header (RFC 9110, 11.6.1): several may stand in one header, separated by the
 * same comma that separates parameters. What cannot be read ends the list; what was read so far counts.
 */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; parameters: Record<string, string> }[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(gap);
    const name = take(token)?.[0];
    if (name === undefined) return found;
    if (!take(equals)) {
      found.push({ scheme: name.toLowerCase(), parameters: {} });
      continue;
    }
    const value = take(quoted)?.[1]?.replace(/\\(.)/g, '$1') ?? take(token)?.[0];
    const current = found.at(-1);
    if (value === undefined || !current) return found;
    current.parameters[name.toLowerCase()] = value;
  }
}
