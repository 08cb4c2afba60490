import { invalid } from '../../base/errors.ts';
import type { Entry, Node } from './node.ts';
import { problem, showPlace } from './problems.ts';
import { type Lookup, substitute, VariableError } from './variables.ts';

/**
 * Puts variables into every value of a tree; keys stay as they are.
 * @param unset hears of variables that are not set.
 * @throws invalid naming the place and the key.
 */
export function interpolate(node: Node, lookup: Lookup, unset: (name: string) => void): Node {
  // Aliases share nodes: each is visited once.
  const done = new Map<Node, Node>();
  const visit = (one: Node, path: string): Node => {
    const known = done.get(one);
    if (known) return known;
    const next = change(one, path);
    done.set(one, next);
    return next;
  };
  const change = (one: Node, path: string): Node => {
    if (one.kind === 'scalar') {
      if (typeof one.value !== 'string' || !one.value.includes('$')) return one;
      const value = substituteAt(one.value, path, () => one.place);
      return { ...one, value, text: value, substituted: true };
    }
    if (one.kind === 'list') return { ...one, items: one.items.map((item, at) => visit(item, `${path}[${at}]`)) };
    const entries = new Map<string, Entry>();
    for (const [key, entry] of one.entries)
      entries.set(key, { ...entry, value: visit(entry.value, path === '' ? key : `${path}.${key}`) });
    return { ...one, entries };
  };
  const substituteAt = (text: string, path: string, place: () => Node['place']): string => {
    try {
      return substitute(text, { lookup, unset });
    } catch (error) {
      if (!(error instanceof VariableError)) throw error;
      if (error.missing)
        throw invalid(`${showPlace(place())}: error while interpolating ${path}: ${error.message}`, { cause: error });
      throw problem(place(), `${error.message.replace('format.', `format for ${path}.`)}`);
    }
  };
  return visit(node, '');
}
