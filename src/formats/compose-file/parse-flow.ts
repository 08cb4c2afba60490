import { type Entry, list, mapOfEntries, type Node, type Place, scalar } from './node.ts';

/** Where a quoted text that begins at `start` is closed on its line: the place after its quote. */
export function quotedEnd(line: string, start: number): number | undefined {
  const quote = line[start];
  for (let at = start + 1; at < line.length; at++) {
    if (quote === '"' && line[at] === '\\') at++;
    else if (line[at] === quote) {
      if (quote === "'" && line[at + 1] === "'") at++;
      else return at + 1;
    }
  }
  return undefined;
}

const simpleEscapes: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', t: '\t', '/': '/' };

/** What a quoted text says; undefined for escapes that are better left to the library. */
export function readQuoted(quoted: string): string | undefined {
  const inner = quoted.slice(1, -1);
  if (quoted[0] === "'") return inner.replaceAll("''", "'");
  if (!inner.includes('\\')) return inner;
  let odd = false;
  const result = inner.replace(/\\(.)/g, (_whole, letter: string) => {
    const meant = simpleEscapes[letter];
    odd ||= meant === undefined;
    return meant ?? '';
  });
  return odd ? undefined : result;
}

const deepest = 50;
const numeric = /^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/;

/** The value of an unquoted text by YAML's core schema; undefined for rare forms that are left to the library. */
export function resolvePlain(text: string): string | number | boolean | undefined {
  if (/^(?:~|null|Null|NULL|)$/.test(text) || /^(?:0[xo]|[-+]?\.(?:inf|nan|Inf|NaN|INF|NAN))/.test(text))
    return undefined;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (!numeric.test(text)) return text;
  const value = Number(text);
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value)) ? value : undefined;
}

/**
 * Reads `[...]` and `{...}` that begin and end on one line.
 * @param leave throws: what stands there is for the library.
 */
export function createFlowReader(leave: () => never) {
  let line = '';
  let at = 0;
  let depth = 0;
  let where: (column: number) => Place;
  const skip = (): void => {
    while (line[at] === ' ') at++;
  };
  const plainAt = (start: number): string => {
    let end = start;
    while (
      end < line.length &&
      !',[]{}'.includes(line[end]!) &&
      !(line[end] === ':' && /^$|[ ,[\]{}]/.test(line[end + 1] ?? ''))
    )
      end++;
    const text = line.slice(start, end).trimEnd();
    if (text === '' || text.includes(' #') || /^[-?&*!|>%@`#]/.test(text)) leave();
    at = end;
    return text;
  };
  const quoted = (): string => {
    const end = quotedEnd(line, at) ?? leave();
    const text = readQuoted(line.slice(at, end)) ?? leave();
    at = end;
    return text;
  };
  const isQuote = (): boolean => line[at] === '"' || line[at] === "'";
  const node = (): Node => {
    if (line[at] === '[' || line[at] === '{') {
      if (++depth > deepest) leave();
      const nested = line[at] === '[' ? listNode() : mapNode();
      depth--;
      return nested;
    }
    const place = where(at);
    if (isQuote()) {
      const text = quoted();
      return { kind: 'scalar', value: text, text, place, tag: undefined };
    }
    const text = plainAt(at);
    return { kind: 'scalar', value: resolvePlain(text) ?? leave(), text, place, tag: undefined };
  };
  /** After a value: true when another one follows, false at the end. */
  const more = (close: string): boolean => {
    skip();
    const mark = line[at++];
    if (mark === close) return false;
    if (mark !== ',') leave();
    skip();
    return line[at] !== close || leave();
  };
  const listNode = (): Node => {
    const place = where(at++);
    const items: Node[] = [];
    skip();
    if (line[at] === ']') at++;
    else
      do items.push(node());
      while (more(']'));
    return list(place, items);
  };
  const mapNode = (): Node => {
    const place = where(at++);
    const entries = new Map<string, Entry>();
    skip();
    if (line[at] === '}') at++;
    else
      do {
        const keyPlace = where(at);
        const key = isQuote() ? quoted() : plainAt(at);
        skip();
        if (line[at++] !== ':' || key === '<<' || entries.has(key)) leave();
        const colon = at - 1;
        skip();
        const isBare = line[at] === ',' || line[at] === '}';
        entries.set(key, { place: keyPlace, value: isBare ? scalar(where(colon), null) : node() });
      } while (more('}'));
    return mapOfEntries(place, entries);
  };
  return {
    /** @throws what `leave` throws. */
    read(text: string, start: number, place: (column: number) => Place): Node {
      [line, at, depth, where] = [text, start, 0, place];
      const result = node();
      if (!/^ *$|^ +#/.test(line.slice(at))) leave();
      return result;
    },
  };
}
