import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { runChecked } from '../../src/base/process.ts';

/** A command of a document and what it prints there. */
export interface Exchange {
  readonly command: string;
  readonly output: string;
}

const projectRoot = path.resolve(import.meta.dirname, '../..');

/** A block of code that stands behind a comment in a document. @throws when there is none. */
export function readBlock(document: string, comment: string): string {
  const text = readFileSync(path.join(projectRoot, document), 'utf8');
  const [, block] = new RegExp(`<!-- ${comment} -->\\n\`\`\`\\w+\\n([\\s\\S]*?)\`\`\``).exec(text) ?? [];
  if (block === undefined) throw new Error(`${document} has no block behind "${comment}"`);
  return block;
}

/**
 * The transcript behind `<!-- transcript: NAME -->`: lines that begin with `$` are commands, and what follows is what
 * they print. @throws when there is none.
 */
export function readTranscript(document: string, name: string): Exchange[] {
  return readBlock(document, `transcript: ${name}`)
    .split(/^\$ /m)
    .filter(Boolean)
    .map((one) => {
      const end = one.indexOf('\n');
      return { command: one.slice(0, end), output: one.slice(end + 1) };
    });
}

/**
 * Runs the commands of a transcript in one shell, so that they share variables. @returns them with what they printed.
 * @param prelude shell that is run before them, such as functions. @param replace what stands for other things here.
 */
export async function replay(
  transcript: readonly Exchange[],
  prelude: string,
  replace: Readonly<Record<string, string>>,
): Promise<Exchange[]> {
  const border = '===== next =====';
  const there = (text: string): string =>
    Object.entries(replace).reduce((all, [from, to]) => all.replaceAll(from, to), text);
  const back = (text: string): string =>
    Object.entries(replace).reduce((all, [from, to]) => all.replaceAll(to, from), text);
  const lines = transcript.map(({ command }) => `${there(command)}\nprintf '${border}\\n'\n`);
  const printed = await runChecked('bash', ['-c', `exec 2>&1\n${prelude}\n${lines.join('')}`]);
  const outputs = back(printed).split(`${border}\n`);
  return transcript.map(({ command }, index) => ({ command, output: outputs[index] ?? '' }));
}
