import { invalid } from '../base/errors.ts';

/** One line of comma-separated values (RFC 4180). @throws invalid. */
export function csvFields(text: string): string[] {
  const parsed: string[] = [];
  let rest = text;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(,|$)/.exec(rest);
    const match = quoted ?? /^([^",]*)(,|$)/.exec(rest);
    if (!match) throw invalid(`parse error: bare or unclosed " in ${JSON.stringify(text)}`);
    parsed.push(quoted ? match[1]!.replaceAll('""', '"') : match[1]!);
    if (match[2] === '') return parsed;
    rest = rest.slice(match[0].length);
  }
}
