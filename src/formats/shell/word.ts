import { nested, type Reader, skipBlanks, take, Unsure } from './reader.ts';

/** Reads the list of commands in a `$(`, up to its `)`. */
export type ReadCommands = (reader: Reader) => void;

/** What ends a word. */
const ends = new Set(' \t\n;&|<>()');

/**
 * Reads a word as written, quotes and expansions with it; '' when none is there.
 * @throws Unsure for a quote or expansion that does not end, and where shells differ.
 */
export function readWord(reader: Reader, commands: ReadCommands): string {
  const { text } = reader;
  const start = reader.at;
  for (let character = text[reader.at]; character !== undefined && !ends.has(character); character = text[reader.at]) {
    if (character === '\\') {
      if (text[reader.at + 1] === '\n') throw new Unsure('a word on two lines');
      escaped(reader);
    } else if (character === "'") singleQuoted(reader);
    else if (character === '"') doubleQuoted(reader, commands);
    else if (character === '`') backquoted(reader);
    else if (character === '$') expansion(reader, commands, false);
    else if (character === '\r' || character === '\0') throw new Unsure('a control character');
    else reader.at += 1;
  }
  if (reader.at > start) reader.end = reader.at;
  return text.slice(start, reader.at);
}

function escaped(reader: Reader): void {
  if (reader.at + 1 >= reader.text.length) throw new Unsure('a backslash at the end');
  reader.at += 2;
}

function singleQuoted(reader: Reader): void {
  const end = reader.text.indexOf("'", reader.at + 1);
  if (end < 0) throw new Unsure('a quote without an end');
  reader.at = end + 1;
}

function doubleQuoted(reader: Reader, commands: ReadCommands): void {
  const { text } = reader;
  reader.at += 1;
  for (let character = text[reader.at]; character !== '"'; character = text[reader.at]) {
    if (character === undefined) throw new Unsure('a quote without an end');
    if (character === '\\') escaped(reader);
    else if (character === '`') backquoted(reader);
    else if (character === '$') expansion(reader, commands, true);
    else reader.at += 1;
  }
  reader.at += 1;
}

function backquoted(reader: Reader): void {
  reader.at += 1;
  for (let character = reader.text[reader.at]; character !== '`'; character = reader.text[reader.at]) {
    if (character === undefined) throw new Unsure('a backquote without an end');
    if (character === '\\') escaped(reader);
    else reader.at += 1;
  }
  reader.at += 1;
}

function expansion(reader: Reader, commands: ReadCommands, quoted: boolean): void {
  const { text } = reader;
  if (text.startsWith('$((', reader.at)) arithmetic(reader);
  else if (text.startsWith('$(', reader.at)) substitution(reader, commands);
  else if (text.startsWith('${', reader.at)) nested(reader, () => parameter(reader, commands, quoted));
  else if (!quoted && text.startsWith("$'", reader.at)) {
    reader.at += 1;
    const start = reader.at;
    singleQuoted(reader);
    // what a backslash is in it is not the same everywhere
    if (text.slice(start, reader.at).includes('\\')) throw new Unsure('a quote with escapes');
  } else if (text.startsWith('$[', reader.at)) throw new Unsure('old arithmetic');
  else reader.at += 1;
}

/** `$((...))` of nothing but numbers, names and operators. */
function arithmetic(reader: Reader): void {
  const match = /^\$\(\(([\w\s+\-*/%<>=!^~?:,$|&]|\([\w\s+\-*/%<>=!^~?:,$|&]*\))*\)\)/.exec(
    reader.text.slice(reader.at, reader.at + 200),
  );
  if (!match) throw new Unsure('arithmetic');
  reader.at += match[0].length;
}

function substitution(reader: Reader, commands: ReadCommands): void {
  reader.at += 2;
  const waiting = reader.heredocs.length;
  nested(reader, () => commands(reader));
  skipBlanks(reader);
  if (reader.heredocs.length !== waiting) throw new Unsure('a heredoc that goes on behind its command');
  if (!take(reader, ')')) throw new Unsure('a substitution without an end');
}

/** `${...}`. Which quotes count inside of double quotes depends on the operator and on the shell. */
function parameter(reader: Reader, commands: ReadCommands, quoted: boolean): void {
  const { text } = reader;
  const name = /^\$\{[#!]?(\w+|[@*#?$!-])/.exec(text.slice(reader.at, reader.at + 200));
  if (!name) throw new Unsure('a parameter without a name');
  reader.at += name[0].length;
  for (let character = text[reader.at]; character !== '}'; character = text[reader.at]) {
    if (character === undefined) throw new Unsure('a parameter without an end');
    if ((character === "'" || character === '"') && quoted) throw new Unsure('quotes in a quoted parameter');
    if (character === '\\') escaped(reader);
    else if (character === "'") singleQuoted(reader);
    else if (character === '"') doubleQuoted(reader, commands);
    else if (character === '`') backquoted(reader);
    else if (character === '$') expansion(reader, commands, quoted);
    else if (character === '{' || character === '\n') throw new Unsure('a brace in a parameter');
    else reader.at += 1;
  }
  reader.at += 1;
}
