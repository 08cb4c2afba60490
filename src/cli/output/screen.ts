import { terminalSize } from '../terminal/input.ts';
import type { Output } from './output.ts';

/** Control sequences of every terminal (ECMA-48). */
const home = '\x1b[H';
const eraseScreen = '\x1b[2J';
const eraseLineEnd = '\x1b[K';
const eraseBelow = '\x1b[J';

/** Something that is shown again and again in the same place of a terminal; elsewhere one text follows the other. */
export interface Screen {
  show(text: string): Promise<void>;
}

/**
 * Draws over what was drawn before, in one write and without clearing first, so that nothing flickers. Lines that
 * the window has no room for are left out, since scrolling would move the place.
 */
export function openScreen(out: Output): Screen {
  let drawn = false;
  return {
    show(text) {
      const size = out.isTerminal ? terminalSize() : undefined;
      if (!size) return out.write(text);
      const lines = text
        .replace(/\n$/, '')
        .split('\n')
        .slice(0, Math.max(1, size[0] - 1));
      const begin = drawn ? home : eraseScreen + home;
      drawn = true;
      return out.write(`${begin}${lines.map((line) => `${line}${eraseLineEnd}\n`).join('')}${eraseBelow}`);
    },
  };
}
