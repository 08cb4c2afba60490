import {
  type Entry,
  isNull,
  type ListNode,
  list,
  type MapNode,
  map,
  mapOfEntries,
  type Node,
  type ScalarNode,
  scalar,
} from './node.ts';
import { didYouMean, type Problems } from './problems.ts';

/** What reading a file needs to know besides the file. */
export interface Reading {
  readonly problems: Problems;
  /** Relative paths of the file are meant from here. */
  readonly folder: string;
  /** The user's home, for paths that begin with `~`. */
  readonly home: string;
  /** The environment, for variables that are named without a value. */
  readonly lookup: (name: string) => string | undefined;
}

/**
 * Checks a value and brings it into its one long form. What is wrong goes to `reading.problems`; the value that is
 * returned then is not used.
 * @param path the value's keys, as messages name it: `services.web.image`.
 */
export type Shape = (node: Node, path: string, reading: Reading) => Node;

const kindNames = { map: 'a mapping', list: 'a list', scalar: 'a value' } as const;

/** What stands in place of what was wanted. */
export function describe(node: Node): string {
  if (node.kind !== 'scalar') return kindNames[node.kind];
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string'
    ? `the text ${JSON.stringify(clip(node.value))}`
    : `the ${typeof node.value} ${node.value}`;
}

const clip = (text: string): string => (text.length > 40 ? `${text.slice(0, 40)}...` : text);

export function wrong(node: Node, path: string, reading: Reading, wanted: string): Node {
  reading.problems.add(node.place, `${path} must be ${wanted}, and is ${describe(node)}`);
  return scalar(node.place, null);
}

/** Reads a value that may be taken away by `!reset`; nothing to be read stands there then. */
export function read(shape: Shape, node: Node, path: string, reading: Reading): Node {
  if (node.tag === 'reset') return scalar(node.place, null, 'reset');
  const result = shape(node, path, reading);
  return node.tag === undefined || result.tag === node.tag ? result : { ...result, tag: node.tag };
}

export interface ObjectOptions {
  readonly required?: readonly string[];
  /** Fields for which no value (`key:`) means something; elsewhere it is as if the key were not there. */
  readonly nulls?: readonly string[];
}

/** A map of known keys; `x-` keys are taken as they are. */
export function object(fields: () => Readonly<Record<string, Shape>>, options: ObjectOptions = {}): Shape {
  let known: ReadonlyMap<string, Shape> | undefined;
  return (node, path, reading) => {
    if (node.kind !== 'map') return wrong(node, path, reading, 'a mapping');
    known ??= new Map(Object.entries(fields()));
    const entries = new Map<string, Entry>();
    for (const [key, { place, value }] of node.entries) {
      const shape = known.get(key);
      const where = path === '' ? key : `${path}.${key}`;
      if (key.startsWith('x-')) entries.set(key, { place, value });
      else if (shape === undefined) unknownKey(key, place, path, known.keys(), reading);
      else if (!isNull(value) || value.tag !== undefined || options.nulls?.includes(key))
        entries.set(key, { place, value: read(shape, value, where, reading) });
    }
    for (const key of options.required ?? [])
      if (!entries.has(key)) reading.problems.add(node.place, `${path}.${key} is required`);
    return mapOfEntries(node.place, entries);
  };
}

function unknownKey(key: string, place: Node['place'], path: string, known: Iterable<string>, reading: Reading): void {
  reading.problems.add(
    place,
    `${path === '' ? '' : `${path} `}additional properties '${key}' not allowed${didYouMean(key, known)}`,
  );
}

export const text: Shape = (node, path, reading) => {
  if (node.kind === 'scalar' && typeof node.value === 'string') return node;
  return wrong(node, path, reading, 'a string');
};

/** A text that is often written as a number; what was written counts (`3.10`). */
export const textOrNumber: Shape = (node, path, reading) => {
  if (node.kind === 'scalar' && (typeof node.value === 'string' || typeof node.value === 'number')) return asText(node);
  return wrong(node, path, reading, 'a string or a number');
};

export const asText = (node: ScalarNode): ScalarNode =>
  typeof node.value === 'string' ? node : { ...node, value: node.text };

export const oneOf =
  (...values: readonly string[]): Shape =>
  (node, path, reading) => {
    if (node.kind === 'scalar' && typeof node.value === 'string') {
      if (values.includes(node.value)) return node;
      reading.problems.add(
        node.place,
        `${path} must be one of ${values.map((value) => `'${value}'`).join(', ')}, and is '${node.value}'${didYouMean(node.value, values)}`,
      );
      return node;
    }
    return wrong(node, path, reading, `one of ${values.join(', ')}`);
  };

const truths: Readonly<Record<string, boolean>> = { true: true, yes: true, y: true, on: true, '1': true };
const lies: Readonly<Record<string, boolean>> = { false: false, no: false, n: false, off: false, '0': false };

export const boolean: Shape = (node, path, reading) => {
  if (node.kind === 'scalar' && typeof node.value === 'boolean') return node;
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const value = { ...truths, ...lies }[node.value.toLowerCase()];
    if (value !== undefined) return scalar(node.place, value);
  }
  return wrong(node, path, reading, 'a boolean');
};

export const number: Shape = (node, path, reading) => {
  if (node.kind === 'scalar' && typeof node.value === 'number') return node;
  if (
    node.kind === 'scalar' &&
    typeof node.value === 'string' &&
    /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(node.value)
  )
    return scalar(node.place, Number(node.value));
  return wrong(node, path, reading, 'a number');
};

export const integer: Shape = (node, path, reading) => {
  const result = number(node, path, reading);
  if (result.kind === 'scalar' && typeof result.value === 'number' && !Number.isSafeInteger(result.value))
    return wrong(node, path, reading, 'an integer');
  return result;
};

export const listOf =
  (item: Shape): Shape =>
  (node, path, reading) => {
    if (node.kind !== 'list') return wrong(node, path, reading, 'a list');
    return list(
      node.place,
      node.items.map((one, at) => read(item, one, `${path}[${at}]`, reading)),
    );
  };

/** A text, or a list of texts; the long form is the list. */
export const textOrList: Shape = (node, path, reading) =>
  node.kind === 'list' ? texts(node, path, reading) : list(node.place, [text(node, path, reading)]);

const anyTexts = listOf(text);

/** A list of different texts. */
export const texts: Shape = (node, path, reading) => {
  const result = anyTexts(node, path, reading);
  return result.kind === 'list' ? withoutRepeats(result) : result;
};

export const textsOrNumbers: Shape = (node, path, reading) => {
  const result = listOf(textOrNumber)(node, path, reading);
  return result.kind === 'list' ? withoutRepeats(result) : result;
};

function withoutRepeats(node: ListNode): ListNode {
  const seen = new Set<unknown>();
  const items = node.items.filter((item) => {
    const value = item.kind === 'scalar' ? item.value : item;
    return !seen.has(value) && seen.add(value);
  });
  return items.length === node.items.length ? node : { ...node, items };
}

/** A map of free keys. @param name what a key must look like. */
export const mapOf =
  (value: Shape, options: { name?: RegExp; nulls?: boolean } = {}): Shape =>
  (node, path, reading) => {
    if (node.kind !== 'map') return wrong(node, path, reading, 'a mapping');
    const entries = new Map<string, Entry>();
    for (const [key, entry] of node.entries) {
      const where = path === '' ? key : `${path}.${key}`;
      if (key.startsWith('x-') && options.name) continue;
      if (options.name && !options.name.test(key))
        reading.problems.add(
          entry.place,
          `${path} additional properties '${key}' not allowed: a name has letters, digits, '.', '_' and '-'`,
        );
      else if (isNull(entry.value) && entry.value.tag === undefined && options.nulls) entries.set(key, entry);
      else entries.set(key, { place: entry.place, value: read(value, entry.value, where, reading) });
    }
    return mapOfEntries(node.place, entries);
  };

const plainValue: Shape = (node, path, reading) =>
  node.kind === 'scalar'
    ? node.value === null
      ? node
      : asText(node)
    : wrong(node, path, reading, 'a string, a number, a boolean or nothing');

/**
 * `NAME=value` lines or a map; the long form is the map, in which null stands for a name without a value.
 * @param bare what a name without a value in a list becomes.
 */
export const listOrMap =
  (bare: (name: string, reading: Reading) => string | null): Shape =>
  (node, path, reading) => {
    if (node.kind === 'map') return mapOf(plainValue)(node, path, reading);
    if (node.kind !== 'list') return wrong(node, path, reading, 'a mapping or a list');
    const pairs: [string, Node][] = [];
    for (const [at, item] of node.items.entries()) {
      if (item.kind !== 'scalar' || item.value === null) {
        wrong(item, `${path}[${at}]`, reading, 'a string');
        continue;
      }
      const given = asText(item).text;
      const equals = given.indexOf('=');
      const name = equals < 0 ? given : given.slice(0, equals);
      pairs.push([name, scalar(item.place, equals < 0 ? bare(name, reading) : given.slice(equals + 1))]);
    }
    return map(node.place, pairs);
  };

export const nothingOr =
  (shape: Shape): Shape =>
  (node, path, reading) =>
    isNull(node) ? node : shape(node, path, reading);

export const isMap = (node: Node | undefined): node is MapNode => node?.kind === 'map';
