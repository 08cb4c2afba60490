import process from 'node:process';
import { TugError } from '../../base/errors.ts';
import type { Output } from '../output/output.ts';
import { rawTerminal } from './input.ts';

/** Asks the user at the terminal of standard input. To be disposed of, so that the process can end. */
export interface Prompter extends Disposable {
  /**
   * Prints a question and reads one line; nothing of it is shown with `hidden`.
   * @throws cancelled for Ctrl-C, and when the input ends before a line does.
   */
  ask(question: string, options?: { hidden?: boolean }): Promise<string>;
}

/** @param out where the questions go. */
export function openPrompter(out: Output): Prompter {
  const stdin = process.stdin;
  let early = ''; // typed ahead, for the next question
  const askOnce = async (question: string, hidden: boolean) => {
    // Before the question: whoever answers at once must not see what he types.
    using _raw = hidden ? await rawTerminal() : { [Symbol.dispose]: () => {} };
    await out.write(question);
    return await readLine(stdin, early, hidden);
  };
  return {
    async ask(question, { hidden = false } = {}) {
      const typed = await askOnce(question, hidden);
      early = typed.rest;
      if (hidden) await out.write('\n');
      if (typed.line === undefined) throw new TugError('cancelled', 'cancelled');
      return typed.line;
    },
    [Symbol.dispose]: () => {
      stdin.pause();
      stdin.unref?.();
    },
  };
}

const endOfText = '\u0003';
const endOfTransmission = '\u0004';
const eraseOne = ['\u007f', '\b'];
const eraseAll = '\u0015';

/** The first line of what is typed, edited as a terminal would where it is `raw`; undefined when there is none. */
async function readLine(
  stdin: NodeJS.ReadStream,
  early: string,
  raw: boolean,
): Promise<{ line: string | undefined; rest: string }> {
  const decoder = new TextDecoder();
  let line = '';
  const take = (text: string): { line: string | undefined; rest: string } | undefined => {
    const characters = [...text];
    for (const [at, character] of characters.entries()) {
      const rest = characters.slice(at + 1).join('');
      if (character === '\n' || character === '\r') return { line, rest };
      if (character === endOfText || (character === endOfTransmission && line === '')) return { line: undefined, rest };
      if (raw && eraseOne.includes(character)) line = [...line].slice(0, -1).join('');
      else if (raw && character === eraseAll) line = '';
      else line += character;
    }
    return undefined;
  };
  const known = take(early);
  if (known) return known;
  const typed = Promise.withResolvers<{ line: string | undefined; rest: string }>();
  const onData = (chunk: Buffer): void => {
    const found = take(decoder.decode(chunk, { stream: true }));
    if (found) typed.resolve(found);
  };
  const onEnd = (): void => typed.resolve({ line: line === '' ? undefined : line, rest: '' });
  stdin.on('data', onData).on('end', onEnd).resume();
  try {
    return await typed.promise;
  } finally {
    stdin.off('data', onData).off('end', onEnd).pause();
  }
}
