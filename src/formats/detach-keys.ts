import { invalid } from '../base/errors.ts';

/** What detaches a terminal when nothing else is configured. */
export const defaultDetachKeys = 'ctrl-p,ctrl-q';

/** ctrl-@ is byte 0, ctrl-a to ctrl-z are 1 to 26, then these. */
const control = '@abcdefghijklmnopqrstuvwxyz[\\]^_';

/**
 * Parses Docker's notation for a key sequence: keys separated by commas, each one character, `ctrl-` with
 * one of `@ a-z [ \ ] ^ _`, or `DEL`.
 * @throws invalid `Unknown character: 'X'`.
 */
export function parseDetachKeys(text: string): Buffer {
  return Buffer.from(text.split(',').map(keyByte));
}

function keyByte(key: string): number {
  if (key.length === 1 && key.charCodeAt(0) < 0x80) return key.charCodeAt(0);
  if (key === 'DEL') return 0x7f;
  const letter = key.startsWith('ctrl-') ? key.slice(5) : '';
  const code = letter.length === 1 ? control.indexOf(letter) : -1;
  if (code < 0) throw invalid(`Unknown character: '${key}'`, { code: 'invalid-detach-keys' });
  return code;
}

export interface DetachMatcher {
  /**
   * Takes the next input. Returns what may be passed on; the beginning of a possible key sequence is withheld
   * until the following input decides. Once `detached` is true, the input up to the sequence has been
   * returned, and what follows it is dropped.
   */
  push(chunk: Uint8Array): { data: Buffer; detached: boolean };
  /** What is still withheld, for the end of the input. */
  flush(): Buffer;
}

/** Watches input for a key sequence of at least one byte, wherever the input is cut. */
export function createDetachMatcher(keys: Uint8Array): DetachMatcher {
  const fallback = fallbacks(keys);
  let matched = 0;
  let detached = false;
  return {
    push(chunk) {
      if (detached || keys.length === 0) return { data: detached ? Buffer.alloc(0) : Buffer.from(chunk), detached };
      const withheldBefore = matched;
      for (let at = 0; at < chunk.length; at += 1) {
        while (matched > 0 && chunk[at] !== keys[matched]) matched = fallback[matched - 1]!;
        if (chunk[at] === keys[matched]) matched += 1;
        if (matched === keys.length) {
          detached = true;
          return { data: released(chunk, withheldBefore, at + 1 - keys.length), detached };
        }
      }
      return { data: released(chunk, withheldBefore, chunk.length - matched), detached };
    },
    flush() {
      const rest = Buffer.from(keys.subarray(0, detached ? 0 : matched));
      matched = 0;
      return rest;
    },
  };

  /** The withheld bytes (which equal the keys' beginning) and the chunk, up to position `end` of the chunk. */
  function released(chunk: Uint8Array, withheld: number, end: number): Buffer {
    return Buffer.concat([keys.subarray(0, withheld + Math.min(end, 0)), chunk.subarray(0, Math.max(end, 0))]);
  }
}

/** For each length of a match, the longest shorter match that its end still is (Knuth, Morris, Pratt). */
function fallbacks(keys: Uint8Array): number[] {
  const table = [0];
  for (let at = 1, length = 0; at < keys.length; at += 1) {
    while (length > 0 && keys[at] !== keys[length]) length = table[length - 1]!;
    if (keys[at] === keys[length]) length += 1;
    table.push(length);
  }
  return table;
}
