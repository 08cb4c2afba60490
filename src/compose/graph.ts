import { TugError } from '../base/errors.ts';

/**
 * Does something for each name, a name only when all it needs are done, independent ones at the same time, at most
 * `limit` at once. After a failure nothing new begins; what runs is waited for, and the first failure is thrown.
 * @param needs the names that come before a name; unknown ones do not count.
 * @param signal nothing new begins once it is aborted. @throws cancelled then.
 */
export async function inOrder(
  names: readonly string[],
  needs: (name: string) => readonly string[],
  work: (name: string) => Promise<void>,
  options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const waiting = new Set(names);
  const done = new Set<string>();
  const running = new Map<string, Promise<void>>();
  const limit = options.limit && options.limit > 0 ? options.limit : Number.POSITIVE_INFINITY;
  let failure: { error: unknown } | undefined;
  const ready = (name: string): boolean =>
    needs(name).every((other) => done.has(other) || (!waiting.has(other) && !running.has(other)));
  const begin = (name: string): void => {
    waiting.delete(name);
    const one = work(name)
      .then(() => void done.add(name))
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(name));
    running.set(name, one);
  };
  for (;;) {
    if (!failure && !options.signal?.aborted)
      for (const name of waiting) if (running.size < limit && ready(name)) begin(name);
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  if (failure) throw failure.error;
  if (options.signal?.aborted) throw cancelled();
}

/** Does something for each of several things, at most `limit` at once; fails as `inOrder` does. */
export async function forEachLimited<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  options: { readonly limit?: number; readonly signal?: AbortSignal } = {},
): Promise<void> {
  const names = items.map((_, at) => String(at));
  await inOrder(
    names,
    () => [],
    (name) => work(items[Number(name)]!),
    options,
  );
}

export const cancelled = (): TugError => new TugError('cancelled', 'canceled');

/** The names that need a name, for going the other way. */
export function reversed(
  names: readonly string[],
  needs: (name: string) => readonly string[],
): (name: string) => string[] {
  const dependents = new Map<string, string[]>();
  for (const name of names)
    for (const other of needs(name)) dependents.set(other, [...(dependents.get(other) ?? []), name]);
  return (name) => dependents.get(name) ?? [];
}
