/**
 * Strings in Go's notation, as `strconv.Quote` writes and `strconv.Unquote` reads them. Docker's tables and
 * `%q` show strings this way.
 */
const shortEscapes = new Map<string, string>([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
  ['\\', '\\\\'],
]);
const escapedCharacters = new Map([...shortEscapes].map(([character, escaped]) => [escaped.slice(1), character]));
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** The text in double quotes, with whatever does not print escaped. */
export function quoteGo(text: string): string {
  let quoted = '"';
  for (const character of text) quoted += character === '"' ? '\\"' : escapeCharacter(character);
  return `${quoted}"`;
}

/** One character in single quotes, as `%q` shows a number. */
export function quoteGoCharacter(code: number): string {
  const character = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD';
  return character === "'" ? "'\\''" : `'${escapeCharacter(character)}'`;
}

function escapeCharacter(character: string): string {
  const short = shortEscapes.get(character);
  if (short !== undefined) return short;
  if (printable.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

/** What stands in a double-quoted, back-quoted or single-quoted Go literal; undefined when it is malformed. */
export function unquoteGo(literal: string): string | undefined {
  const quote = literal[0];
  if (literal.length < 2 || literal.at(-1) !== quote) return undefined;
  const inner = literal.slice(1, -1);
  if (quote === '`') return inner.includes('`') ? undefined : inner.replaceAll('\r', '');
  if ((quote !== '"' && quote !== "'") || inner.includes('\n')) return undefined;
  const text = unescapeGo(inner, quote);
  return quote === "'" && text !== undefined && [...text].length !== 1 ? undefined : text;
}

/** Escapes name characters (`\u00e9`) or bytes (`\xc3\xa9`), so the text is put together as bytes. */
function unescapeGo(inner: string, quote: string): string | undefined {
  const pieces: Buffer[] = [];
  let at = 0;
  while (at < inner.length) {
    const backslash = inner.indexOf('\\', at);
    const plain = inner.slice(at, backslash < 0 ? inner.length : backslash);
    if (plain.includes(quote)) return undefined;
    pieces.push(Buffer.from(plain));
    if (backslash < 0) break;
    const match = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([abfnrtv\\'"]))/.exec(
      inner.slice(backslash + 1, backslash + 10),
    );
    const bytes = match === null ? undefined : escapeBytes(match, quote);
    if (match === null || bytes === undefined) return undefined;
    pieces.push(bytes);
    at = backslash + 1 + match[0].length;
  }
  const whole = Buffer.concat(pieces);
  return whole.toString();
}

function escapeBytes(match: RegExpExecArray, quote: string): Buffer | undefined {
  const [, hex, short, long, octal, letter] = match;
  if (letter !== undefined) {
    if (letter === '"' || letter === "'") return letter === quote ? Buffer.from(letter) : undefined;
    return Buffer.from(escapedCharacters.get(letter) ?? letter);
  }
  if (hex !== undefined || octal !== undefined) {
    const byte = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
    if (byte > 255) return undefined;
    return quote === "'" ? Buffer.from(String.fromCodePoint(byte)) : Buffer.from([byte]);
  }
  const code = Number.parseInt(short ?? long ?? '', 16);
  return code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? undefined : Buffer.from(String.fromCodePoint(code));
}
