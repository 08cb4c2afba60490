import { invalid } from '../../base/errors.ts';
import { type Lookup, substitute, VariableError } from './variables.ts';

const assignment = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(?:[=:]\s?(.*))?$/s;

/**
 * Parses an environment file as compose files use them (`.env`, `env_file`): `NAME=value`, `export NAME=value`, bare
 * `NAME` (its value comes from `lookup`), comments, single quotes (taken as they stand), double quotes (`\n` and other
 * escapes, over several lines), variables in what is unquoted or in double quotes.
 * @param lookup what the variables of values are looked up in, after those of the file before them.
 * @throws invalid with file and line.
 */
export function parseDotEnv(text: string, file: string, lookup: Lookup): Map<string, string> {
  const values = new Map<string, string>();
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const find = (name: string): string | undefined => lookup(name) ?? values.get(name);
  for (let at = 0; at < lines.length; at++) {
    const first = at + 1;
    const line = lines[at]!;
    if (/^\s*(#|$)/.test(line)) continue;
    const match = assignment.exec(line);
    const name = match?.[1];
    if (name === undefined)
      throw invalid(`${file}:${first}: unexpected character in variable name near ${JSON.stringify(line.trim())}`);
    if (match?.[2] === undefined) {
      const inherited = lookup(name);
      if (inherited !== undefined) values.set(name, inherited);
      continue;
    }
    let raw = match[2].trimStart();
    const quote = raw[0];
    if (quote === '"' || quote === "'") {
      let end = closingQuote(raw, quote);
      while (end < 0) {
        if (++at >= lines.length) throw invalid(`${file}:${first}: unterminated quoted value ${raw.split('\n')[0]}`);
        raw += `\n${lines[at]}`;
        end = closingQuote(raw, quote);
      }
      const inner = raw.slice(1, end);
      values.set(name, quote === "'" ? inner : expand(withoutEscapes(inner), file, first, find));
    } else values.set(name, expand(raw.replace(/(^|\s)#.*$/, '').trimEnd(), file, first, find));
  }
  return values;
}

function closingQuote(text: string, quote: string): number {
  for (let at = 1; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$$' };

const withoutEscapes = (text: string): string =>
  text.replace(/\\(.)/gs, (whole, letter: string) => escapes[letter] ?? whole);

function expand(text: string, file: string, line: number, lookup: Lookup): string {
  try {
    return substitute(text, { lookup, unset: () => {} });
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    throw invalid(`${file}:${line}: ${error.message}`, { cause: error });
  }
}
