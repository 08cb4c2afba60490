/** Names that are held while a folder is put in order; a name takes some 80 bytes. */
export const usuallyHeld = 8192;

/** Takes names in any order, and holds the first `most` of those behind `after`. */
export interface FirstNames {
  add(name: string): void;
  /** Names that are held now: never more than twice `most`. */
  readonly size: number;
  /** The first ones in the order of their bytes, each once, and whether there were more than these. */
  take(): { readonly names: readonly string[]; readonly more: boolean };
}

export function firstNames(after: string | undefined, most = usuallyHeld): FirstNames {
  let held: string[] = [];
  let more = false;
  /** No name behind it is among the first. */
  let bound: string | undefined;
  const cut = (): void => {
    // All names of a registry's storage are ASCII, for which the order of strings is that of their bytes.
    held = held.sort().filter((name, index) => name !== held[index - 1]);
    if (held.length <= most) return;
    held.length = most;
    bound = held.at(-1);
    more = true;
  };
  return {
    add(name) {
      if (after !== undefined && name <= after) return;
      if (bound !== undefined && name >= bound) return;
      held.push(name);
      if (held.length >= 2 * most) cut();
    },
    get size() {
      return held.length;
    },
    take() {
      cut();
      return { names: held, more };
    },
  };
}

/**
 * The names behind `after` of a list that can be read again and again, in the order of their bytes: the first ones, in
 * a second reading those that come then, and so on, so that there are never more than some in memory.
 */
export async function* inOrder(
  list: () => AsyncIterable<string>,
  after: string | undefined,
  most = usuallyHeld,
): AsyncIterable<string> {
  for (let last = after; ; ) {
    const first = firstNames(last, most);
    for await (const name of list()) first.add(name);
    const { names, more } = first.take();
    yield* names;
    if (!more) return;
    last = names.at(-1);
  }
}
