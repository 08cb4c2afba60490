import { firstNames, usuallyHeld } from '../name-order.ts';

/**
 * The part of a name before the first character that sorts before `/`: all names that have it come one after another,
 * in the order of names as in that of keys.
 */
export const firstOf = (name: string): string => /^[/-\uffff]*/.exec(name)?.[0] ?? '';

/**
 * Puts names that come in the order of their keys (`a-b/`, `a/`, `b/`: folders have a `/` behind them) into the order
 * of names (`a`, `a-b`, `b`), and gives those behind `after`, each once. `list` gives those whose first part is that of
 * a name or comes behind it. Holds names that begin alike; where there are more of them than `most`, the first ones,
 * and lists them again for the next.
 */
export async function* byName(
  list: (from: string | undefined) => AsyncIterable<string>,
  after: string | undefined,
  most = usuallyHeld,
): AsyncIterable<string> {
  let last = after;
  for (let again = true; again; ) {
    again = false;
    let stem: string | undefined;
    let first = firstNames(last, most);
    for await (const name of list(last)) {
      const own = firstOf(name);
      if (own !== stem) {
        const { names, more } = first.take();
        yield* names;
        last = names.at(-1) ?? last;
        again = more;
        if (again) break;
        first = firstNames(last, most);
        stem = own;
      }
      first.add(name);
    }
    if (again) continue;
    const { names, more } = first.take();
    yield* names;
    last = names.at(-1) ?? last;
    again = more;
  }
}
