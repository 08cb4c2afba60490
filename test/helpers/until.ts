/**
 * Looks again and again, and resolves with what it sees as soon as that is anything but undefined, null or false. For
 * what tells nobody when it changes; of what does, wait for the event.
 * @param patience milliseconds, far more than a slow machine takes.
 * @throws when it has not come by then, with what was waited for in words.
 */
export async function until<T>(
  look: () => T | Promise<T>,
  what: string | (() => string),
  patience = 300_000,
): Promise<Exclude<T, undefined | null | false>> {
  for (const began = performance.now(); ; ) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen as Exclude<T, undefined | null | false>;
    if (performance.now() - began > patience)
      throw new Error(`waited ${patience} ms for ${typeof what === 'string' ? what : what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
