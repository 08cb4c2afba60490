/** A position in a compose file; lines and columns begin at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** What a value of a file says about merging: `!reset` takes away what other files say, `!override` replaces it. */
export type MergeTag = 'reset' | 'override';

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it was written, so that `0755` and `8080` can still be told from what YAML makes of them. */
  readonly text: string;
  /** True for a text that came out of a variable: it may stand for a number or a boolean. */
  readonly substituted?: boolean;
  readonly place: Place;
  readonly tag?: MergeTag | undefined;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly place: Place;
  readonly tag?: MergeTag | undefined;
}

export interface Entry {
  /** Where the key stands. */
  readonly place: Place;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly place: Place;
  readonly tag?: MergeTag | undefined;
}

export type Node = ScalarNode | MapNode | ListNode;

/** Plain data, as JSON has it. */
export type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

export const scalar = (place: Place, value: ScalarNode['value'], tag?: MergeTag): ScalarNode => ({
  kind: 'scalar',
  value,
  text: value === null ? '' : String(value),
  place,
  tag,
});

export const list = (place: Place, items: readonly Node[], tag?: MergeTag): ListNode => ({
  kind: 'list',
  items,
  place,
  tag,
});

/** A map of values that have no keys of their own in a file: each key stands where its value does. */
export const map = (place: Place, values: Iterable<readonly [string, Node]>, tag?: MergeTag): MapNode => ({
  kind: 'map',
  entries: new Map([...values].map(([key, value]) => [key, { place: value.place, value }])),
  place,
  tag,
});

export const mapOfEntries = (place: Place, entries: ReadonlyMap<string, Entry>, tag?: MergeTag): MapNode => ({
  kind: 'map',
  entries,
  place,
  tag,
});

export const isNull = (node: Node | undefined): boolean => node?.kind === 'scalar' && node.value === null;

export const getNode = (node: Node | undefined, key: string): Node | undefined =>
  node?.kind === 'map' ? node.entries.get(key)?.value : undefined;

/** The text of a scalar below a map; undefined where there is none. */
export function getText(node: Node | undefined, key: string): string | undefined {
  const value = getNode(node, key);
  return value?.kind === 'scalar' && value.value !== null ? String(value.value) : undefined;
}

/** A map with some keys set anew, or taken away with undefined. */
export function withKeys(node: MapNode, changes: Readonly<Record<string, Node | undefined>>): MapNode {
  const entries = new Map(node.entries);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) entries.delete(key);
    else entries.set(key, { place: entries.get(key)?.place ?? value.place, value });
  }
  return { ...node, entries };
}

/** The tree as plain data. */
export function toPlain(node: Node): Plain {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toPlain);
  const result: { [key: string]: Plain } = {};
  for (const [key, { value }] of node.entries)
    Object.defineProperty(result, key, { value: toPlain(value), enumerable: true, writable: true, configurable: true });
  return result;
}
