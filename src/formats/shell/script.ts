import { closing, nameAt, readPipeline } from './command.ts';
import { createReader, type Dialect, newline, type Reader, skipBlanks, skipLines, take, Unsure } from './reader.ts';

/** Commands between `&&` and `||`. */
export interface Element {
  /** Where it begins and ends in the script. */
  readonly start: number;
  readonly end: number;
  /** What stands before it. */
  readonly operator: '&&' | '||' | undefined;
}

/** Elements with `&&` or `||` between them. */
export interface CommandList {
  readonly elements: readonly Element[];
  /** `&` stands behind it. */
  readonly background: boolean;
}

/** Reads a script by the grammar of the POSIX shell. Undefined where it is not wholly understood. */
export function readScript(text: string, dialect: Dialect): readonly CommandList[] | undefined {
  const reader = createReader(text, dialect);
  try {
    const lists = readLists(reader);
    return reader.at === text.length && reader.heredocs.length === 0 ? lists : undefined;
  } catch (error) {
    if (error instanceof Unsure) return undefined;
    throw error;
  }
}

/** Reads lists up to something that ends them: `)`, `;;`, a closing word, or the end of the text. */
export function readLists(reader: Reader): CommandList[] {
  const lists: CommandList[] = [];
  for (;;) {
    skipLines(reader);
    if (endsHere(reader)) return lists;
    const elements = readElements(reader);
    skipBlanks(reader);
    const next = reader.text[reader.at];
    const background = next === '&';
    lists.push({ elements, background });
    if (next === '\n') newline(reader);
    else if (reader.text.startsWith(';;', reader.at)) return lists;
    else if (next === ';' || background) take(reader, next);
    else return lists;
  }
}

function endsHere(reader: Reader): boolean {
  const { text, at } = reader;
  return at >= text.length || text[at] === ')' || text.startsWith(';;', at) || closing.has(nameAt(reader));
}

function readElements(reader: Reader): Element[] {
  const elements: Element[] = [];
  let operator: Element['operator'];
  for (;;) {
    const start = reader.at;
    readPipeline(reader, readLists);
    elements.push({ start, end: reader.end, operator });
    skipBlanks(reader);
    if (take(reader, '&&')) operator = '&&';
    else if (take(reader, '||')) operator = '||';
    else return elements;
    skipLines(reader);
  }
}
