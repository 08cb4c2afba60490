import { invalid } from '../../base/errors.ts';
import { type Entry, getText, isNull, type ListNode, type MapNode, type Node } from './node.ts';

/** How two lists become one; `*` stands for any key. The first rule that fits counts, and without one lists are joined. */
type Rule = 'replace' | ((item: Node) => string);

const byText = (item: Node): string => (item.kind === 'scalar' ? String(item.value) : JSON.stringify(item));
const byKey =
  (...keys: readonly string[]) =>
  (item: Node): string =>
    keys.map((key) => getText(item, key)).find((value) => value !== undefined) ?? byText(item);
const byPort = (item: Node): string =>
  ['host_ip', 'target', 'published', 'protocol'].map((key) => getText(item, key) ?? '').join('/');

const rules: readonly (readonly [string, Rule])[] = [
  ['services.*.command', 'replace'],
  ['services.*.entrypoint', 'replace'],
  ['services.*.healthcheck.test', 'replace'],
  ['services.*.ports', byPort],
  ['services.*.volumes', byKey('target')],
  ['services.*.configs', byKey('target', 'source')],
  ['services.*.secrets', byKey('target', 'source')],
  ['services.*.build.secrets', byKey('target', 'source')],
  ['services.*.devices', byKey('target', 'source')],
  ['services.*.env_file', byKey('path')],
  ['services.*.blkio_config.*', byKey('path')],
  ['services.*.post_start', 'replace'],
  ['services.*.pre_stop', 'replace'],
  ['services.*.deploy.placement.preferences', byKey('spread')],
  ['networks.*.ipam.config', byKey('subnet')],
];

/**
 * Two trees in their long forms as one, the second going first, by the rules of the compose specification
 * (13-merge). `!reset` of the second takes a value of the first away, `!override` stands in its place.
 */
export function mergeTrees(base: Node, over: Node, path: readonly string[] = []): Node {
  if (over.tag !== undefined || base.tag === 'reset') return over;
  if (over.kind === 'map' && base.kind === 'map') return mergeMaps(base, over, path);
  if (over.kind === 'list' && base.kind === 'list') return mergeLists(base, over, path);
  if (isNull(over) && base.kind !== 'scalar' && !replaces(path)) return base;
  return over;
}

function mergeMaps(base: MapNode, over: MapNode, path: readonly string[]): MapNode {
  if (isLogging(path) && differ(base, over, 'driver')) return over;
  const entries = new Map<string, Entry>(base.entries);
  for (const [key, entry] of over.entries) {
    const before = base.entries.get(key);
    entries.set(key, before ? { ...entry, value: mergeTrees(before.value, entry.value, [...path, key]) } : entry);
  }
  return { ...over, entries };
}

function mergeLists(base: ListNode, over: ListNode, path: readonly string[]): ListNode {
  const rule = ruleFor(path) ?? byText;
  if (rule === 'replace') return over;
  const items = new Map<string, Node>();
  for (const item of base.items) items.set(rule(item), item);
  for (const item of over.items) {
    const key = rule(item);
    const before = items.get(key);
    items.set(key, before?.kind === 'map' && item.kind === 'map' && !isPort(path) ? mergeTrees(before, item) : item);
  }
  return { ...over, items: [...items.values()] };
}

/** Options of one log driver mean nothing to another. */
const isLogging = (path: readonly string[]): boolean => path.length === 3 && path[2] === 'logging';
const isPort = (path: readonly string[]): boolean => path.at(-1) === 'ports';
const replaces = (path: readonly string[]): boolean => ruleFor(path) === 'replace';

function differ(left: Node, right: Node, key: string): boolean {
  const [one, other] = [getText(left, key), getText(right, key)];
  return one !== undefined && other !== undefined && one !== other;
}

function ruleFor(path: readonly string[]): Rule | undefined {
  return rules.find(([pattern]) => {
    const parts = pattern.split('.');
    return parts.length === path.length && parts.every((part, at) => part === '*' || part === path[at]);
  })?.[1];
}

/** The tree without what `!reset` took away. */
export function dropResets(node: Node): Node {
  if (node.kind === 'list') return { ...node, items: node.items.filter((one) => one.tag !== 'reset').map(dropResets) };
  if (node.kind !== 'map') return node;
  const entries = new Map<string, Entry>();
  for (const [key, entry] of node.entries)
    if (entry.value.tag !== 'reset') entries.set(key, { ...entry, value: dropResets(entry.value) });
  return { ...node, entries };
}

/** Several trees as one, the last going first. */
export function mergeAll(trees: readonly Node[]): Node {
  const [first, ...rest] = trees;
  if (!first) throw invalid('no compose file was given');
  return rest.reduce((base, over) => mergeTrees(base, over), first);
}
