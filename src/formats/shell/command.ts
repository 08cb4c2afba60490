import { nested, type Reader, skipBlanks, skipLines, take, Unsure } from './reader.ts';
import { readWord } from './word.ts';

type ReadLists = (reader: Reader) => readonly unknown[];

/** The word that is next, when it is nothing but letters, braces and `!`, as reserved words are; else ''. */
export function nameAt({ text, at }: Reader): string {
  return /^(?:[a-z]+|[{}!]|\[\[)(?![^ \t\n;&|<>()])/.exec(text.slice(at, at + 12))?.[0] ?? '';
}

/** Words that end a list of commands where a command could begin. */
export const closing: ReadonlySet<string> = new Set(['then', 'else', 'elif', 'fi', 'do', 'done', 'esac', '}']);

/** What is read otherwise by some shell, or not read here. */
const foreign: ReadonlySet<string> = new Set(['function', 'select', 'coproc', 'in', 'namespace', ...closing]);

/** Reads commands with `|` between them. @throws Unsure. */
export function readPipeline(reader: Reader, lists: ReadLists): void {
  if (nameAt(reader) === '!') {
    take(reader, '!');
    skipBlanks(reader);
  }
  for (;;) {
    nested(reader, () => readCommand(reader, lists));
    skipBlanks(reader);
    if (reader.text.startsWith('||', reader.at)) return;
    if (reader.text.startsWith('|&', reader.at)) throw new Unsure('|&');
    if (!take(reader, '|')) return;
    skipLines(reader);
  }
}

function readCommand(reader: Reader, lists: ReadLists): void {
  const name = nameAt(reader);
  if (foreign.has(name)) throw new Unsure(name);
  const compound = Object.hasOwn(compounds, name) ? compounds[name] : undefined;
  if (reader.text[reader.at] === '(') {
    if (reader.text.startsWith('((', reader.at)) throw new Unsure('((');
    take(reader, '(');
    some(reader, lists);
    expect(reader, ')');
    readRedirects(reader, lists);
  } else if (compound) {
    take(reader, name);
    compound(reader, lists);
    readRedirects(reader, lists);
  } else simple(reader, lists);
}

const compounds: Readonly<Record<string, (reader: Reader, lists: ReadLists) => void>> = {
  '{'(reader, lists) {
    some(reader, lists);
    expect(reader, '}');
  },
  if(reader, lists) {
    condition(reader, lists);
    while (nameAt(reader) === 'elif') {
      take(reader, 'elif');
      condition(reader, lists);
    }
    if (nameAt(reader) === 'else') {
      take(reader, 'else');
      some(reader, lists);
    }
    expect(reader, 'fi');
  },
  while: loop,
  until: loop,
  for: each,
  case: choice,
  '[['(reader, lists) {
    if (reader.dialect !== 'bash') throw new Unsure('[[');
    test(reader, lists);
  },
};

/** At least one command. */
function some(reader: Reader, lists: ReadLists): void {
  if (lists(reader).length === 0) throw new Unsure('no command');
  skipBlanks(reader);
}

function condition(reader: Reader, lists: ReadLists): void {
  some(reader, lists);
  expect(reader, 'then');
  some(reader, lists);
}

function loop(reader: Reader, lists: ReadLists): void {
  some(reader, lists);
  body(reader, lists);
}

function body(reader: Reader, lists: ReadLists): void {
  expect(reader, 'do');
  some(reader, lists);
  expect(reader, 'done');
}

function expect(reader: Reader, token: string): void {
  skipBlanks(reader);
  if (token !== ')' && nameAt(reader) !== token) throw new Unsure(`no ${token}`);
  if (!take(reader, token)) throw new Unsure(`no ${token}`);
}

function each(reader: Reader, lists: ReadLists): void {
  skipBlanks(reader);
  if (!/^[A-Za-z_]\w*$/.test(readWord(reader, lists))) throw new Unsure('a loop without a name');
  skipLines(reader);
  if (nameAt(reader) === 'in') {
    take(reader, 'in');
    do skipBlanks(reader);
    while (readWord(reader, lists) !== '');
    if (!take(reader, ';') && reader.text[reader.at] !== '\n') throw new Unsure('a loop without an end of its words');
  } else take(reader, ';');
  skipLines(reader);
  body(reader, lists);
}

function choice(reader: Reader, lists: ReadLists): void {
  skipBlanks(reader);
  if (readWord(reader, lists) === '') throw new Unsure('case of nothing');
  skipLines(reader);
  expect(reader, 'in');
  for (skipLines(reader); nameAt(reader) !== 'esac'; skipLines(reader)) {
    take(reader, '(');
    do {
      skipBlanks(reader);
      if (readWord(reader, lists) === '') throw new Unsure('no pattern');
      skipBlanks(reader);
    } while (take(reader, '|'));
    expect(reader, ')');
    lists(reader);
    skipBlanks(reader);
    if (reader.text.startsWith(';;&', reader.at)) throw new Unsure(';;&');
    if (!take(reader, ';;')) break;
  }
  expect(reader, 'esac');
}

/** bash's `[[ ... ]]`: words and operators up to the one that ends it. */
function test(reader: Reader, lists: ReadLists): void {
  for (let word = ''; word !== ']]'; ) {
    skipBlanks(reader);
    word = readWord(reader, lists);
    if (word === '=~') throw new Unsure('a regular expression');
    if (word === '' && !['&&', '||', '<', '>', '(', ')'].some((token) => take(reader, token))) throw new Unsure('[[');
  }
}

/** Builtins after which the rest is read differently, or another command decides how it ends. */
const unruly: ReadonlySet<string> = new Set(['trap', 'alias', 'unalias', 'shopt', 'enable', 'fc', 'history', 'setopt']);

function simple(reader: Reader, lists: ReadLists): void {
  let words = 0;
  let sets = false;
  for (;;) {
    skipBlanks(reader);
    if (readRedirect(reader, lists)) {
      words += 1;
      continue;
    }
    const word = readWord(reader, lists);
    if (word === '') break;
    // also as the argument of `command` or `builtin`
    if (unruly.has(word) || (sets && /^[-+][A-Za-z]*[vnT]|^(verbose|noexec|functrace|posix)$/.test(word)))
      throw new Unsure(word);
    sets ||= word === 'set';
    words += 1;
    skipBlanks(reader);
    if (reader.text[reader.at] === '(') {
      if (words > 1 || !/^[A-Za-z_]\w*$/.test(word)) throw new Unsure('(');
      definition(reader, lists);
      return;
    }
  }
  if (words === 0) throw new Unsure('no command');
}

function definition(reader: Reader, lists: ReadLists): void {
  take(reader, '(');
  expect(reader, ')');
  skipLines(reader);
  if (reader.text[reader.at] !== '(' && nameAt(reader) !== '{') throw new Unsure('a function of another kind');
  readCommand(reader, lists);
}

function readRedirects(reader: Reader, lists: ReadLists): void {
  do skipBlanks(reader);
  while (readRedirect(reader, lists));
}

const operators = ['<<<', '<<-', '<<', '<&', '<>', '>>', '>&', '>|', '<', '>'] as const;

function readRedirect(reader: Reader, lists: ReadLists): boolean {
  const start = reader.at;
  reader.at += /^\d*/.exec(reader.text.slice(start, start + 12))?.[0].length ?? 0;
  const both = reader.at === start && reader.text.startsWith('&>', start);
  if (both && reader.dialect !== 'bash') throw new Unsure('&>');
  const operator = both ? (take(reader, '&>>') ? '&>>' : '&>') : operators.find((one) => take(reader, one));
  if (operator === undefined) {
    reader.at = start;
    return false;
  }
  if (operator === '&>') take(reader, '&>');
  if (operator === '<<<' && reader.dialect !== 'bash') throw new Unsure('<<<');
  skipBlanks(reader);
  const word = readWord(reader, lists);
  if (word === '') throw new Unsure('a redirection to nothing');
  if (operator === '<<' || operator === '<<-') heredoc(reader, word, operator === '<<-');
  return true;
}

function heredoc(reader: Reader, word: string, strip: boolean): void {
  const [, quote, inner, plain] = /^(?:(['"])([\w.-]+)\1|([\w.-]+))$/.exec(word) ?? [];
  const name = inner ?? plain;
  if (name === undefined) throw new Unsure('an unusual name of a heredoc');
  reader.heredocs.push({ name, strip, quoted: quote !== undefined });
}
