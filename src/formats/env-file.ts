import { invalid } from '../base/errors.ts';

/**
 * Parses the text of a `--env-file` or `--label-file` to `NAME=value` lines. Leading white space, empty lines and lines
 * that begin with `#` do not count; a value is taken as it stands, quotes and trailing blanks included. A bare
 * `NAME` takes its value from `lookup` and is left out when that knows none.
 * @throws invalid in Docker's words, `invalid env file (FILE): ...`.
 */
export function parseEnvFile(
  content: Uint8Array,
  file: string,
  lookup: (name: string) => string | undefined,
): string[] {
  const bad = (reason: string) => invalid(`invalid env file (${file}): ${reason}`, { code: 'invalid-env-file' });
  const result: string[] = [];
  decodeLines(content, bad).forEach((raw) => {
    const line = raw.trimStart();
    if (line === '' || line.startsWith('#')) return;
    const equals = line.indexOf('=');
    const name = equals < 0 ? line : line.slice(0, equals);
    if (name === '') throw bad(`no variable name on line '${line}'`);
    if (/[ \t]/.test(name)) throw bad(`variable '${name}' contains whitespaces`);
    const value = equals < 0 ? lookup(name) : line.slice(equals + 1);
    if (value !== undefined) result.push(`${name}=${value}`);
  });
  return result;
}

function decodeLines(content: Uint8Array, bad: (reason: string) => Error): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    const lines = decoder
      .decode(content)
      .replace(/^\uFEFF/, '')
      .split('\n');
    return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  } catch {
    throw bad(badLine(content, decoder));
  }
}

/** Which line is not UTF-8, with its bytes. */
function badLine(content: Uint8Array, decoder: TextDecoder): string {
  let start = 0;
  for (let number = 1; ; number += 1) {
    const newline = content.indexOf(10, start);
    const line = content.subarray(start, newline < 0 ? content.length : newline);
    try {
      decoder.decode(line);
    } catch {
      return `invalid utf8 bytes at line ${number}: [${line.join(' ')}]`;
    }
    if (newline < 0) return 'invalid utf8 bytes';
    start = newline + 1;
  }
}
