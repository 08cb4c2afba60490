import { TugError } from '../base/errors.ts';

/**
 * The JSON objects of a stream in which they follow one another, each ended by a newline or by the next one's
 * beginning (events, pull progress, stats). @throws unavailable for text that is not JSON, or too long for it.
 */
export async function* jsonStream<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T, void> {
  for await (const text of jsonTexts(chunks)) yield JSON.parse(text) as T;
}

/** As `jsonStream`, and leaves each object as the text it came as. */
export async function* jsonTexts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let pending = '';
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    let newline = pending.indexOf('\n');
    while (newline >= 0) {
      yield* splitLine(pending.slice(0, newline).trim());
      pending = pending.slice(newline + 1);
      newline = pending.indexOf('\n');
    }
    if (pending.length > maxLine) throw new TugError('unavailable', 'the engine sent a line of JSON that is too long');
  }
  yield* splitLine(pending.trim());
}

const maxLine = 16 * 1024 * 1024;

/** Some engines put several objects on one line. */
function* splitLine(line: string): Generator<string, void> {
  for (let rest = line; rest !== ''; ) {
    const end = firstObjectEnd(rest);
    if (end <= 0) throw new TugError('unavailable', `the engine sent something that is not JSON: ${rest.slice(0, 80)}`);
    yield rest.slice(0, end);
    rest = rest.slice(end).trim();
  }
}

/** Where the object at the text's beginning ends, or -1 when it does not. */
function firstObjectEnd(text: string): number {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' || char === '[') depth++;
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1;
  }
  return -1;
}
