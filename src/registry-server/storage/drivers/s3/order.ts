/**
 * The part of a name before the first character that sorts before `/`: all names that have it come one after another,
 * in the order of names as in that of keys.
 */
export const firstOf = (name: string): string => /^[/-\uffff]*/.exec(name)?.[0] ?? '';

/**
 * Puts names that come in the order of their keys (`a-b/`, `a/`, `b/`: folders have a `/` behind them) into the order
 * of names (`a`, `a-b`, `b`). Holds no more of them than begin alike; names that come twice are given once.
 */
export async function* byName(names: AsyncIterable<string>): AsyncIterable<string> {
  let stem: string | undefined;
  let held = new Set<string>();
  for await (const name of names) {
    const own = firstOf(name);
    if (own !== stem) {
      yield* [...held].sort();
      held = new Set();
      stem = own;
    }
    held.add(name);
  }
  yield* [...held].sort();
}
