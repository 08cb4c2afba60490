import { type Entry, list, mapOfEntries, type Node, type Place, scalar } from './node.ts';
import { createFlowReader, quotedEnd, readQuoted, resolvePlain } from './parse-flow.ts';

/** What is found in a file that this reader leaves to the library. */
class NotPlain extends Error {}

const deepest = 100;
const keyPattern = /^([^\s\-?:,[\]{}#&*!|>'"%@`=<][^:#]*?) *:(?= |$)/;

/**
 * Reads the part of YAML that nearly all compose files keep to, a dozen times faster than the library: block maps and
 * lists, values on one line, literal texts, comments; no anchors, tags or several documents. The tree is the same.
 * @returns undefined for everything else, and for what is wrong: the library reads it, or says what is.
 */
export function parsePlainYaml(text: string, file: string): Node | undefined {
  if (/[\t\r\u2028\u2029\ufeff\x00-\x08]/.test(text) || /^(---|\.\.\.|%)/m.test(text)) return undefined;
  try {
    return createReader(text, file).whole();
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

const leave = (): never => {
  throw new NotPlain();
};

const indentOf = (line: string): number => line.length - line.trimStart().length;
const isEmpty = (line: string): boolean => /^ *(#|$)/.test(line);
const isItem = (line: string, indent: number): boolean =>
  line[indent] === '-' && (line.length === indent + 1 || line[indent + 1] === ' ');

function createReader(text: string, file: string) {
  const lines = text.split('\n');
  const flow = createFlowReader(leave);
  let at = 0;
  let depth = 0;
  const place = (column: number, line = at): Place => ({ file, line: line + 1, column: column + 1 });
  const skipEmpty = (): void => {
    while (at < lines.length && isEmpty(lines[at]!)) at++;
  };
  /** Where the next value's line begins, -1 at the end. */
  const nextIndent = (): number => {
    skipEmpty();
    return at < lines.length ? indentOf(lines[at]!) : -1;
  };

  const block = (indent: number): Node => {
    if (++depth > deepest) leave();
    const node = isItem(lines[at]!, indent) ? items(indent) : entries(indent);
    depth--;
    return node;
  };

  const items = (indent: number): Node => {
    const start = place(indent);
    const found: Node[] = [];
    for (let next = indent; next === indent && isItem(lines[at]!, indent); next = nextIndent()) {
      const line = lines[at]!;
      const rest = line.slice(indent + 1);
      const column = indent + 1 + indentOf(rest);
      const content = line.slice(column);
      if (isItem(line, column)) leave();
      if (keyOf(content) !== undefined) {
        lines[at] = ' '.repeat(column) + content;
        found.push(block(column));
      } else found.push(value(column, indent, false));
    }
    if (nextIndent() > indent) leave();
    return list(start, found);
  };

  const entries = (indent: number): Node => {
    const start = place(indent);
    const found = new Map<string, Entry>();
    for (let next = indent; next === indent && !isItem(lines[at]!, indent); next = nextIndent()) {
      const key = keyOf(lines[at]!.slice(indent)) ?? leave();
      if (found.has(key.name)) leave();
      const where = place(indent);
      found.set(key.name, { place: where, value: value(indent + key.length, indent, true) });
    }
    const after = nextIndent();
    if (after > indent || (after === indent && !isItem(lines[at]!, indent))) leave();
    return mapOfEntries(start, found);
  };

  /** The value that begins somewhere on this line, or on the next ones. */
  const value = (from: number, parent: number, inMap: boolean): Node => {
    const line = lines[at]!;
    const column = from + indentOf(line.slice(from));
    const rest = line.slice(column);
    if (rest === '' || (rest[0] === '#' && line[column - 1] === ' '))
      return below(parent, inMap, place(Math.max(0, from - 1)));
    if (rest[0] === '|') return literal(rest, column, parent);
    if (/^[&*!>%@`?,\]}]/.test(rest) || /^[-:](?= |$)/.test(rest)) leave();
    const node = rest[0] === '[' || rest[0] === '{' ? flow.read(line, column, place) : inline(line, rest, column);
    at++;
    if (nextIndent() > parent) leave();
    return node;
  };

  const below = (parent: number, inMap: boolean, where: Place): Node => {
    at++;
    const next = nextIndent();
    if (next > parent) return block(next);
    return inMap && next === parent && isItem(lines[at]!, next) ? block(next) : scalar(where, null);
  };

  const inline = (line: string, rest: string, column: number): Node => {
    if (rest[0] === '"' || rest[0] === "'") {
      const end = quotedEnd(line, column) ?? leave();
      if (!/^ *$|^ +#/.test(line.slice(end))) leave();
      const content = readQuoted(line.slice(column, end)) ?? leave();
      return { kind: 'scalar', value: content, text: content, place: place(column), tag: undefined };
    }
    const plain = rest.replace(/ +#.*$/, '').trimEnd();
    if (/: |:$/.test(plain)) leave();
    return {
      kind: 'scalar',
      value: resolvePlain(plain) ?? leave(),
      text: plain,
      place: place(column),
      tag: undefined,
    } as Node;
  };

  const literal = (header: string, column: number, parent: number): Node => {
    const mark = /^\|([-+]?) *$/.exec(header) ?? leave();
    const where = place(column);
    const first = at + 1;
    let end = first;
    while (end < lines.length && (lines[end]!.trim() === '' || indentOf(lines[end]!) > parent)) end++;
    const body = lines.slice(first, end);
    const indent = indentOf(body.find((line) => line.trim() !== '') ?? leave());
    if (body.some((line) => (line.trim() === '' ? line.length > indent : indentOf(line) < indent))) leave();
    at = end;
    const content = body.map((line) => line.slice(indent)).join('\n');
    const trimmed = content.replace(/\n*$/, '');
    if (mark[1] === '+') leave();
    const result = mark[1] === '-' ? trimmed : `${trimmed}\n`;
    return { kind: 'scalar', value: result, text: result, place: where, tag: undefined };
  };

  return {
    whole(): Node | undefined {
      const indent = nextIndent();
      if (indent !== 0) return undefined;
      const node = block(0);
      return at >= lines.length ? node : undefined;
    },
  };
}

/** A key and how many characters it takes with its colon; undefined where the line begins with none. */
function keyOf(content: string): { name: string; length: number } | undefined {
  if (content[0] === '"' || content[0] === "'") {
    const end = quotedEnd(content, 0);
    const colon = end === undefined ? undefined : /^ *:(?= |$)/.exec(content.slice(end));
    if (end === undefined || !colon) return undefined;
    const name = readQuoted(content.slice(0, end));
    return name === undefined ? undefined : { name, length: end + colon[0].length };
  }
  const match = keyPattern.exec(content);
  return match ? { name: match[1]!, length: match[0].length } : undefined;
}
